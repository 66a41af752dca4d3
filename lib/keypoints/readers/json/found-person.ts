/** One person of a frame. */
export interface FoundPerson {
  /** J triples x, y, confidence; NaN where a point has none. */
  triples: number[];
  track?: string | undefined;
  /** (J), the points' names, where they have some. */
  names?: string[] | undefined;
}
