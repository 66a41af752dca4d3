import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import type { Sample } from './sample-writing.js';
import { type Clip, walking } from './walking.js';

/** Frames of the walking clip there and back, so that pieces follow each other without a leap. */
export const pieceFrames = 598;
/** The number of a piece's first frame: digits that no coordinate has; the file gets the frame in their place. */
const mark = 777_700_007_777;
const marks = /7777(\d{4})7777/g;

/** A part of a text: once, or once a piece, with a sign between two pieces. */
interface Part {
  text: string;
  between?: string;
}

/**
 * Writes a sample of at least so many frames, with three people where the format has several; returns its path. A piece is
 * made once and repeated with other frame numbers. Arrays alone are made at once, as their writers take them.
 */
export function writeLong(sample: Sample, path: string, frames: number): string {
  const clip = walkingThereAndBack(sample.crowd !== false);
  const pieces = Math.ceil(frames / pieceFrames);
  mkdirSync(dirname(path), { recursive: true });
  const numbers = clip.map((_, frame) => mark + frame * 10_000);
  const piece = sample.write(`${path}-piece`, clip, { numbers });
  const ending = extname(piece);
  if (ending === '') {
    writeFolder(piece, path, pieces);
    rmSync(piece, { recursive: true });
    return path;
  }
  const isText = ending === '.json' || ending === '.csv';
  const text = isText ? readFileSync(piece, 'utf8') : '';
  rmSync(piece);
  if (!isText) return sample.write(path, Array.from({ length: pieces }, () => clip).flat(), {});
  writeParts(`${path}${ending}`, partsOf(text, ending), pieces);
  return `${path}${ending}`;
}

function walkingThereAndBack(crowd: boolean): Clip {
  const people = (crowd ? [0, 400, 800] : [0]).map((shift) => walking(300, shift));
  return Array.from({ length: pieceFrames }, (_, at) => {
    const frame = Math.min(at, pieceFrames - at);
    return people.flatMap((person) => person[frame]);
  });
}

function numbered(text: string, piece: number): string {
  return text.replace(marks, (_, frame: string) => String(piece * pieceFrames + Number(frame)));
}

function writeFolder(from: string, to: string, pieces: number): void {
  const files = readdirSync(from).map((name) => ({ name, bytes: readFileSync(join(from, name)) }));
  mkdirSync(to);
  for (let piece = 0; piece < pieces; piece++) {
    for (const { name, bytes } of files) writeFileSync(join(to, numbered(name, piece)), bytes);
  }
}

function writeParts(path: string, parts: readonly Part[], pieces: number): void {
  const file = openSync(path, 'w');
  for (const { text, between } of parts) {
    const times = between === undefined ? 1 : pieces;
    for (let piece = 0; piece < times; piece++) {
      writeSync(file, piece === 0 ? numbered(text, 0) : `${between}${numbered(text, piece)}`);
    }
  }
  closeSync(file);
}

function partsOf(text: string, ending: string): Part[] {
  const lines = text.split('\n');
  if (ending === '.json' && lines.length < pieceFrames) return jsonParts(JSON.parse(text));
  const top = ending === '.csv' ? lines.findIndex((line) => line.search(marks) >= 0) : 0;
  return [
    ...lines.slice(0, top).map((line) => ({ text: `${line}\n` })),
    { text: lines.slice(top).join('\n'), between: '\n' },
  ];
}

/** Parts of a list or an object whose items are repeated, or of an object that has such under some names. */
function jsonParts(value: object): Part[] {
  const text = JSON.stringify(value);
  if (Object.keys(value).length >= pieceFrames) {
    return [{ text: text[0] }, { text: text.slice(1, -1), between: ',' }, { text: text[text.length - 1] }];
  }
  if (Array.isArray(value) || !Object.values(value).some((field) => isLong(field))) return [{ text }];
  const fields = Object.entries(value).flatMap(([name, field], index) => [
    { text: `${index === 0 ? '{' : ','}${JSON.stringify(name)}:` },
    ...(isLong(field) ? jsonParts(field) : [{ text: JSON.stringify(field) }]),
  ]);
  return [...fields, { text: '}' }];
}

function isLong(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.keys(value).length >= pieceFrames;
}
