import { PoseError } from '../../base/pose-error.js';
import type { FoundPerson } from './json/found-person.js';
import { shown } from './json/json-value.js';

/** Class and box before the points. */
const leading = 5;
const joints = 17;
/** How many numbers stand before, in and after the points: two or three a point, then the confidence and the track. */
const lengths = new Map(
  [2, 3].flatMap((channels) =>
    [0, 1, 2].map((more) => [leading + joints * channels + more, { channels, more }] as const),
  ),
);

/** A class and a box, perhaps with a confidence and a track: somebody without points. */
const boxLengths = [5, 6, 7];

/** What one file shows. */
export interface YoloFrame {
  people: FoundPerson[];
  /** Boxes without points. */
  boxes: number;
}

/** Whether a text has a line of {@link readYoloText} with points; a table whose first line has names is none. */
export function isYoloText(text: string): boolean {
  const lines = text
    .split('\n', 300)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const wordsOf = (line: string) => line.split(/\s+/);
  if (lines.length === 0 || !wordsOf(lines[0]).every(isNumber)) return false;
  return lines.some((line) => lengths.has(wordsOf(line).length) && wordsOf(line).every(isNumber));
}

function isNumber(word: string): boolean {
  return Number.isFinite(Number(word)) || /^-?(nan|inf)$/i.test(word);
}

/**
 * A frame as Ultralytics' `save_txt` writes it, a line a person: class, box (x, y, width, height), then x, y and
 * (where the model has it) visibility of COCO's 17 points, the person's confidence (`save_conf`) and track id (where
 * it tracked), all but the last as fractions of the image. Throws `ERR_FORMAT` with the line.
 */
export function readYoloText(where: string, text: string): YoloFrame {
  const people: FoundPerson[] = [];
  let boxes = 0;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const words = line.trim().split(/\s+/);
    const numbers = words.map(Number);
    const form = lengths.get(numbers.length);
    const bad = words.findIndex((word) => !isNumber(word));
    if (bad < 0 && boxLengths.includes(numbers.length)) {
      boxes++;
      continue;
    }
    if (form === undefined || bad >= 0) {
      const got = bad >= 0 ? shown(words[bad]) : `${numbers.length} numbers`;
      const known = [...lengths.keys()].join(', ');
      throw new PoseError('ERR_FORMAT', `${where}: line ${index + 1}: expected ${known} numbers, got ${got}.`);
    }
    const { channels, more } = form;
    const triples = Array.from({ length: joints }, (_, joint) => {
      const at = leading + joint * channels;
      const [x, y] = [numbers[at], numbers[at + 1]];
      return [x, y, channels === 3 ? numbers[at + 2] : 1];
    }).flat();
    const end = leading + joints * channels;
    // One number more is a confidence below 1, or a whole number that counts people.
    const confidence = more === 2 || (more === 1 && !Number.isInteger(numbers[end])) ? numbers[end] : undefined;
    const track = more === 2 ? numbers[end + 1] : more === 1 && confidence === undefined ? numbers[end] : undefined;
    people.push({
      triples,
      ...(track !== undefined && { track: String(track) }),
    });
  }
  return { people, boxes };
}
