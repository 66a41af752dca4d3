/** A joint layout: names, parents and sides, all by index. */
export interface Skeleton {
  /** Short name used in files and options: `h36m-17`, `coco-17`, `halpe-26`, `body-25`, ... */
  name: string;
  joints: readonly string[];
  /** Parent of each joint, -1 for the root (a layout of detections may have several roots). */
  parents: readonly number[];
  /** Left joints, and right joints in the same order: mirroring swaps `left[i]` with `right[i]`. */
  left: readonly number[];
  right: readonly number[];
  /** The joint that poses are relative to; -1 where the layout has none (COCO). */
  root: number;
}
