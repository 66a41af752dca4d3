/** World to camera; z up in the session's world. */
interface SessionCamera {
  name: string;
  width: number;
  height: number;
  folder: string;
  camera: { fx: number; fy: number; cx: number; cy: number; distortion: number[] };
  extrinsics: { rotation: number[]; translation: number[] };
}
export function readCameras(folder: string): SessionCamera[];
