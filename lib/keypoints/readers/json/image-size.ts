import { isRecord, type JsonRecord, numberField, sizeOfImages } from './json-value.js';
import { isList } from './long-value.js';

/** Fields that hold the image's width and height. */
const sizeFields = [
  ['width', 'height'],
  ['canvas_width', 'canvas_height'],
  ['image_width', 'image_height'],
  ['video_width', 'video_height'],
  ['frame_width', 'frame_height'],
  ['imageWidth', 'imageHeight'],
] as const;
/** Fields that hold height and width, as NumPy shapes an image. */
const shapeFields = ['orig_shape', 'img_shape', 'image_shape', 'original_shape'];
/** Objects of a file that describe it. */
const descriptions = ['metadata', 'meta', 'meta_info', 'info', 'video', 'video_info', 'image'];
/** Lists of frames. */
const lists = ['frames', 'data', 'results', 'predictions', 'annotations', 'instance_info'];

/**
 * The image's size that a file says, of itself or the same in all its frames; a notice where frames differ. A person's own
 * width and height are the box's.
 */
export function sizeIn(
  value: unknown,
  isPerson: (value: unknown) => boolean,
  notices: string[],
): { width?: number; height?: number } {
  if (isRecord(value) && !isPerson(value)) {
    const own = [value, ...descriptions.map((name) => value[name]).filter(isRecord)].map(sizeOf).find(Boolean);
    if (own) return own;
  }
  const list = isList(value) ? value : isRecord(value) ? lists.map((name) => value[name]).find(isList) : undefined;
  const sizes: { width: number; height: number }[] = [];
  let people = 0;
  for (const frame of list ?? []) {
    if (!isRecord(frame) || isPerson(frame)) {
      // A long list of people is not gone through for frames that may be among them.
      if (sizes.length === 0 && ++people === mostPeople) return {};
      continue;
    }
    const size = sizeOf(frame);
    if (size === undefined) return {};
    sizes.push(size);
  }
  return sizes.length > 0 ? sizeOfImages(sizes, notices) : {};
}

/** People in a list before which no frame came. */
const mostPeople = 10_000;

function sizeOf(record: JsonRecord): { width: number; height: number } | undefined {
  for (const [wide, high] of sizeFields) {
    const [width, height] = [numberField(record, wide), numberField(record, high)];
    if (width !== undefined && height !== undefined && width > 1 && height > 1) return { width, height };
  }
  for (const name of shapeFields) {
    const shape = record[name];
    if (!Array.isArray(shape)) continue;
    const [height, width] = shape as unknown[];
    if (typeof height === 'number' && typeof width === 'number' && height > 1 && width > 1) return { width, height };
  }
  return undefined;
}
