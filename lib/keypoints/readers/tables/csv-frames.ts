import { PoseError } from '../../../base/pose-error.js';
import { type FrameImages, type FrameKey, frameRank, imagesOf, timeUnit, timeValue } from '../json/frame-fields.js';
import { shown, trackName } from '../json/json-value.js';
import { type CsvLine, isEmptyCell } from './csv-table.js';

/** Names of columns that tell people apart, without capitals and signs, the likeliest first. */
const personNames = [
  ...['track', 'trackid', 'trackerid', 'person', 'personid', 'personidx', 'individual', 'individualid', 'animal'],
  ...[
    'animalid',
    'subject',
    'subjectid',
    'player',
    'playerid',
    'objectid',
    'objid',
    'bodyid',
    'instanceid',
    'pid',
    'id',
  ],
];

/** The columns that place a row. */
export interface RowColumns {
  /** -1 where there is none. */
  frame: number;
  time: number;
  person: number;
}

/** The columns of a header that place its rows; `taken` are others'. */
export function rowColumns(header: readonly string[], taken: ReadonlySet<number>): RowColumns {
  const columns = header.map((name, column) => ({ name, column })).filter(({ column }) => !taken.has(column));
  const best = (rank: (name: string) => number | undefined) => {
    const ranked = columns.flatMap(({ name, column }) => {
      const value = rank(name);
      return value === undefined ? [] : [{ value, column }];
    });
    return ranked.sort((a, b) => a.value - b.value)[0]?.column ?? -1;
  };
  const frame = best(frameRank);
  const time = best((name) => (timeUnit(name) === undefined ? undefined : 0));
  const person = best((name) => {
    const rank = personNames.indexOf(name.toLowerCase().replace(/[^a-z0-9]/g, ''));
    return rank < 0 ? undefined : rank;
  });
  // Pandas writes its index under an empty name.
  return { frame: frame < 0 && time < 0 ? best((name) => (name === '' ? 0 : undefined)) : frame, time, person };
}

/** The images of a table, as its rows name them one after the other. */
export class CsvFrames {
  private readonly places = new Map<string, number>();
  private readonly keys: FrameKey[] = [];

  private readonly where: string;
  private readonly header: readonly string[];
  private readonly columns: RowColumns;

  constructor(where: string, header: readonly string[], columns: RowColumns) {
    this.where = where;
    this.header = header;
    this.columns = columns;
    if (columns.frame < 0 && columns.time < 0 && columns.person >= 0) {
      throw new PoseError(
        'ERR_FORMAT',
        `${where}: line 1: expected a column frame or time beside ${header[columns.person]}, got ${header.slice(0, 12).join(', ')}.`,
      );
    }
  }

  /** The image of a row, and whether an earlier row has the same. Throws `ERR_FORMAT` for a row that has no place. */
  imageOf(line: CsvLine): { image: number; again: boolean } {
    const key = this.keyOf(line);
    const name = String(key.id ?? key.time ?? this.keys.length);
    const known = this.places.get(name);
    if (known !== undefined) return { image: known, again: true };
    this.places.set(name, this.keys.length);
    this.keys.push(key);
    return { image: this.keys.length - 1, again: false };
  }

  /** What the row's tracker calls its person. */
  trackOf({ cells }: CsvLine): string | undefined {
    const cell = this.columns.person < 0 ? '' : cells[this.columns.person];
    return isEmptyCell(cell) || cell === '-1' ? undefined : trackName(cell);
  }

  images(): FrameImages {
    return imagesOf(this.keys, (index) => index);
  }

  /** How a message names the row's frame. */
  nameOf({ cells }: CsvLine): string {
    return shown(cells[this.columns.frame >= 0 ? this.columns.frame : this.columns.time]);
  }

  private keyOf(line: CsvLine): FrameKey {
    const { frame, time } = this.columns;
    const key: FrameKey = {};
    if (frame >= 0) {
      const cell = line.cells[frame];
      if (isEmptyCell(cell) || !/\d/.test(cell)) throw this.unplaced(line, frame, 'a frame number');
      key.id = Number.isNaN(Number(cell)) ? cell : Number(cell);
    }
    if (time >= 0) {
      const cell = line.cells[time];
      const value = isEmptyCell(cell) ? undefined : timeValue(cell);
      if (value === undefined && frame < 0) throw this.unplaced(line, time, 'a time');
      if (value !== undefined) key.time = value;
      key.unit = cell.includes(':') ? 's' : (timeUnit(this.header[time]) ?? undefined);
    }
    return key;
  }

  private unplaced({ cells, number }: CsvLine, column: number, expected: string): PoseError {
    const name = this.header[column] || `column ${column + 1}`;
    return new PoseError(
      'ERR_FORMAT',
      `${this.where}: line ${number}: ${name}: expected ${expected}, got ${shown(cells[column])}.`,
    );
  }
}
