/** One person in one image. */
export interface Detection {
  /** Index into the list of images. */
  image: number;
  /** The tracker's name for the person, where the file has one. */
  track?: string | undefined;
  /** J triples x, y, confidence; pixels, or fractions of the image. An unknown point is NaN, NaN, 0 once settled. */
  triples: ArrayLike<number>;
}

/** Rows of a piece of memory: a few megabytes, so that each is given back when it was used. */
const pieceRows = 8192;
/** Rows of the first piece at the start; it doubles as it fills. */
const firstRows = 64;

/**
 * Detections in flat memory outside of V8's heap: an hour of three people has 650,000. Each row is one detection's
 * triples; rows of another width than the first row's are kept aside, for the error that names them.
 */
export class DetectionTable implements Iterable<Detection> {
  /** Number of detections. */
  length = 0;
  /** Values of a row in the pieces. */
  #width = 0;
  #pieces: Float64Array[] = [];
  readonly #odd = new Map<number, Float64Array>();
  readonly #images = new GrowingList();
  /** Place of each detection's track in `#names`. */
  readonly #tracks = new GrowingList();
  readonly #names: (string | undefined)[] = [];
  readonly #places = new Map<string | undefined, number>();

  static from(detections: Iterable<Detection>): DetectionTable {
    const table = new DetectionTable();
    for (const detection of detections) table.push(detection);
    return table;
  }

  push({ image, track, triples }: Detection): void {
    if (this.length === 0) this.#width = triples.length;
    const index = this.length++;
    this.#images.push(image);
    this.#tracks.push(this.#placeOf(track));
    if (triples.length !== this.#width) this.#odd.set(index, Float64Array.from(triples));
    else this.#rowToFill(index).set(triples);
  }

  image(index: number): number {
    return this.#images.at(index);
  }

  track(index: number): string | undefined {
    return this.#names[this.#tracks.at(index)];
  }

  /** A detection's triples, which may be changed in place. */
  triples(index: number): Float64Array {
    const odd = this.#odd.get(index);
    if (odd) return odd;
    const start = (index % pieceRows) * this.#width;
    return this.#pieces[Math.floor(index / pieceRows)].subarray(start, start + this.#width);
  }

  *[Symbol.iterator](): Generator<Detection> {
    for (let index = 0; index < this.length; index++) {
      yield { image: this.image(index), track: this.track(index), triples: this.triples(index) };
    }
  }

  /** Values of the first detection: three a joint. 0 where there is none. */
  get width(): number {
    return this.length === 0 ? 0 : this.triples(0).length;
  }

  /** The first detection with another number of values than {@link width}; undefined where all have the same. */
  get odd(): { index: number; values: number } | undefined {
    if (this.#odd.size === 0) return undefined;
    const { width } = this;
    for (let index = 0; index < this.length; index++) {
      const values = this.triples(index).length;
      if (values !== width) return { index, values };
    }
    return undefined;
  }

  /** Gives each row another width: `fill` makes a new row of the old one. */
  rewrite(width: number, fill: (triples: Float64Array, row: Float64Array, index: number) => void): void {
    const rewritten: Float64Array[] = [];
    for (let first = 0; first < this.length; first += pieceRows) {
      const rows = Math.min(pieceRows, this.length - first);
      const piece = new Float64Array(rows * width);
      for (let row = 0; row < rows; row++) {
        fill(this.triples(first + row), piece.subarray(row * width, (row + 1) * width), first + row);
      }
      // The old piece is given back before the next is made.
      this.#pieces[rewritten.length] = none;
      rewritten.push(piece);
    }
    this.#pieces = rewritten;
    this.#odd.clear();
    this.#width = width;
  }

  /** Leaves only the detections that `keeps` answers true for. */
  retain(keeps: (triples: Float64Array, index: number) => boolean): void {
    let kept = 0;
    for (let index = 0; index < this.length; index++) {
      const triples = this.triples(index);
      if (!keeps(triples, index)) {
        this.#odd.delete(index);
        continue;
      }
      if (kept !== index) this.#move(index, kept, triples);
      kept++;
    }
    this.length = kept;
    this.#pieces.length = Math.ceil(kept / pieceRows);
  }

  /** Shows every row once more, in order, and gives its memory back: the triples are gone then. */
  drain(visit: (triples: Float64Array, index: number) => void): void {
    for (let index = 0; index < this.length; index++) {
      visit(this.triples(index), index);
      if (index % pieceRows === pieceRows - 1) this.#pieces[Math.floor(index / pieceRows)] = none;
    }
    this.#pieces = [];
    this.#odd.clear();
  }

  #move(from: number, to: number, triples: Float64Array): void {
    this.#images.set(to, this.#images.at(from));
    this.#tracks.set(to, this.#tracks.at(from));
    this.#odd.delete(from);
    this.#odd.delete(to);
    if (triples.length === this.#width) this.#rowToFill(to).set(triples);
    else this.#odd.set(to, triples);
  }

  /** The row of a new detection; makes room for it. */
  #rowToFill(index: number): Float64Array {
    const piece = Math.floor(index / pieceRows);
    const need = ((index % pieceRows) + 1) * this.#width;
    const there = this.#pieces[piece];
    if (there === undefined || there.length < need) {
      const rows = piece > 0 ? pieceRows : Math.min(pieceRows, Math.max(firstRows, 2 * index));
      const larger = new Float64Array(rows * this.#width);
      if (there) larger.set(there);
      this.#pieces[piece] = larger;
    }
    return this.triples(index);
  }

  #placeOf(track: string | undefined): number {
    const known = this.#places.get(track);
    if (known !== undefined) return known;
    this.#places.set(track, this.#names.length);
    return this.#names.push(track) - 1;
  }
}

const none = new Float64Array(0);

/** Whole numbers in flat memory that grows. */
class GrowingList {
  #values = new Int32Array(64);
  #length = 0;

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Int32Array(2 * this.#length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  at(index: number): number {
    return this.#values[index];
  }

  set(index: number, value: number): void {
    this.#values[index] = value;
  }
}
