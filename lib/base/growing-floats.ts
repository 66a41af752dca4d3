/** Numbers whose count shows only at the end, in flat memory. */
export class GrowingFloats {
  #values = new Float32Array(1 << 10);
  #length = 0;

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Float32Array(2 * this.#length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  /** The numbers so far. */
  taken(): Float32Array<ArrayBuffer> {
    return this.#values.slice(0, this.#length);
  }
}
