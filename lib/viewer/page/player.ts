export const speeds = [0.1, 0.25, 0.5, 1, 2, 4] as const;

/** Which frame is shown, and how time goes on. */
export class Player {
  readonly frames: number;
  readonly #fps: number;
  readonly #changed: () => void;
  /** Where time is, in frames, with a fraction. */
  #at = 0;
  #last = 0;
  playing = false;
  repeat = true;
  speed = 1;

  constructor(frames: number, fps: number, changed: () => void) {
    this.frames = frames;
    this.#fps = fps;
    this.#changed = changed;
  }

  get frame(): number {
    return Math.min(this.frames - 1, Math.floor(this.#at + 1e-6));
  }

  get seconds(): number {
    return this.frame / this.#fps;
  }

  get duration(): number {
    return this.frames / this.#fps;
  }

  seek(frame: number): void {
    this.#at = Math.min(Math.max(0, Math.round(frame)), this.frames - 1);
    this.#changed();
  }

  step(by: number): void {
    this.playing = false;
    this.seek(this.frame + by);
  }

  toggle(playing = !this.playing): void {
    this.playing = playing;
    this.#last = 0;
    if (playing && this.frame === this.frames - 1) this.#at = 0;
    this.#changed();
  }

  /** One step up or down in {@link speeds}. */
  faster(by: number): void {
    const index = (speeds as readonly number[]).indexOf(this.speed);
    this.speed = speeds[Math.min(Math.max(0, index + by), speeds.length - 1)];
    this.#changed();
  }

  /** Lets time go on to `now`, milliseconds. */
  tick(now: number): void {
    if (!this.playing) return;
    // A page that was in the background goes on where it was.
    const passed = this.#last === 0 ? 0 : Math.min(now - this.#last, 250);
    this.#last = now;
    this.#at += (passed / 1000) * this.#fps * this.speed;
    if (this.#at < this.frames) return;
    if (this.repeat) this.#at %= this.frames;
    else {
      this.#at = this.frames - 1;
      this.playing = false;
      this.#changed();
    }
  }
}
