export type JsonRecord = Record<string, unknown>;

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A JSON value as it may stand in a message: short. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isRecord(value)) return 'an object';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

export function numberField(record: JsonRecord, name: string): number | undefined {
  const value = record[name];
  return typeof value === 'number' ? value : undefined;
}

/** Width and height that all of COCO's images share; a notice where they differ. */
export function sizeOfImages(images: readonly unknown[], notices: string[]): { width?: number; height?: number } {
  const sizes = new Set<string>();
  let size: { width?: number; height?: number } = {};
  for (const image of images) {
    if (!isRecord(image)) continue;
    const width = numberField(image, 'width');
    const height = numberField(image, 'height');
    if (width === undefined || height === undefined) return {};
    sizes.add(`${width}x${height}`);
    size = { width, height };
  }
  if (sizes.size <= 1) return size;
  notices.push(`The images have ${sizes.size} different sizes: no size is taken from the file.`);
  return {};
}
