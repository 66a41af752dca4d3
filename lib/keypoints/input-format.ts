/** What `readKeypoints` reads, by the name that its option `format` takes. */
export const inputFormats = [
  'pstmo',
  'alphapose',
  'coco',
  'openpose',
  'mmpose',
  'mediapipe',
  'yolo',
  'movenet',
  'deeplabcut',
  'csv',
  'numpy',
] as const;
export type InputFormat = (typeof inputFormats)[number];
