import { shownText } from '../base/shown-text.js';
import type { Io } from './io.js';

/** One line on the terminal that is drawn over; nothing where `err` is no terminal. */
export class ProgressLine {
  private readonly io: Io;
  private shown = false;
  private last = 0;

  constructor(io: Io) {
    this.io = io;
  }

  /** Draws at most ten times a second. */
  update(text: () => string): void {
    const now = performance.now();
    if (this.io.live && now - this.last >= 100) {
      this.last = now;
      this.shown = true;
      this.io.err(`\r\u001b[2K${shownText(text())}`);
    }
  }

  /** Takes the line away, so that what comes next stands at the left edge. */
  clear(): void {
    if (this.shown) {
      this.io.err('\r\u001b[2K');
      this.shown = false;
    }
  }
}

/** "2 h 05 min", "3 min 20 s", "12 s". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole >= 3600) {
    return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
  }
  return whole >= 60 ? `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s` : `${whole} s`;
}
