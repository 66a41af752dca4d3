import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machine, measurePeak } from '../../dist/binding.js';
import { modelFiles, poseDifference } from '../sides/model-files.mjs';
import { Runner } from '../sides/runner.mjs';
import { SIDES } from '../sides/sides.mjs';
import { interleave } from './rounds.mjs';

/** Short slices, of which the largest counts: most pass without another process in between. */
const PEAK_SECONDS = 0.02;
const PEAK_SLICES = 3;
/** Largest batch that any side is asked for. */
const MOST_WINDOWS = 512;
/** Of the pose's root mean square: what another order of sums makes in fp32, and eight bits of each factor in bf16. */
const TOLERANCE = { fp32: 1e-4, bf16: 0.1 };

/** One run: what was asked for, what is open, what was measured so far and what could not be measured. */
export class Bench {
  rows = [];
  missing = [];
  peaks = { fp32: [], bf16: [] };
  /** Set by Ctrl-C: the turn under way ends, and nothing new begins. */
  stopping = false;
  /** Every part there is, by its label; filled by a run that measures nothing. */
  labels = [];
  listing = false;
  #models = new Map();
  #folder = mkdtempSync(join(tmpdir(), 'pstmo-bench-'));

  /** `flags`: precisions, threads, rounds, seconds, sides, only. */
  constructor(flags) {
    this.flags = flags;
    const bf16 = machine().bf16;
    if (!bf16 && flags.precisions.includes('bf16')) {
      this.miss('bf16', 'this machine has no bf16 matrix products');
    }
    this.precisions = flags.precisions.filter((precision) => precision === 'fp32' || bf16);
  }

  progress(text) {
    process.stderr.write(`${text}\n`);
  }

  miss(what, reason) {
    this.missing.push({ what, reason });
    this.progress(`  not measured: ${what}: ${reason}`);
  }

  /** False for a part that `--only` leaves out, or after Ctrl-C. */
  wants(label) {
    if (this.listing) {
      this.labels.push(label);
      return false;
    }
    return !this.stopping && new RegExp(this.flags.only, 'i').test(label);
  }

  /** The sides that take part at a precision. */
  sidesFor(precision, among = SIDES.map(({ side }) => side)) {
    return SIDES.filter(
      ({ side, precisions }) =>
        this.flags.sides.includes(side) && among.includes(side) && precisions.includes(precision),
    );
  }

  /** The files of a network, made once. */
  async model(frames, layers) {
    const key = `${frames}-${layers}`;
    if (!this.#models.has(key)) {
      this.#models.set(key, await modelFiles(this.#folder, { frames, layers }, MOST_WINDOWS));
    }
    return this.#models.get(key);
  }

  /**
   * Opens one process for each side, and in it one cell for each request; `body` gets the cells that opened, and the processes
   * end with it. A side that cannot take part is missing, with its reason.
   * @param wanted { side: one of SIDES, requests: [{ itemsAStep (absent: the runner says `piece`), expected, ...what it is asked }] }[]
   */
  async withCells(label, wanted, body) {
    const runners = [];
    const cells = [];
    try {
      for (const { side, requests } of wanted) {
        if (this.stopping) {
          return;
        }
        try {
          const runner = new Runner(side.language, side.script, this.flags);
          runners.push(runner);
          cells.push(...(await this.#open(runner, side, requests)));
        } catch (error) {
          this.miss(`${label}, ${side.title}`, error.message);
        }
      }
      await body(cells);
    } finally {
      await Promise.all(runners.map((runner) => runner.close()));
    }
  }

  async #open(runner, side, requests) {
    const cells = [];
    for (const { itemsAStep, expected, ...request } of requests) {
      const about = await runner.ask({ threads: this.flags.threads, ...request, side: side.side });
      const difference = expected && poseDifference(about.pose, expected);
      if (difference > TOLERANCE[request.precision]) {
        throw new Error(`its pose differs by ${difference.toPrecision(2)} of the pose's root mean square`);
      }
      cells.push({ runner, side: side.side, itemsAStep: itemsAStep ?? about.piece, request, difference, about });
    }
    return cells;
  }

  /** Turns of all cells, the peak of multiply-adds measured before each round. */
  async interleave(cells, { rounds = this.flags.rounds, seconds = this.flags.seconds } = {}) {
    const precisions = new Set(cells.map(({ request }) => request.precision));
    const beforeRound = async () => {
      for (const precision of precisions) {
        for (let slice = 0; slice < PEAK_SLICES; slice++) {
          this.peaks[precision].push(await measurePeak(this.flags.threads, precision, PEAK_SECONDS));
        }
      }
    };
    const lost = ({ side, request: { frames, precision } }, error) => {
      this.miss(`N=${frames} ${precision}, ${side}`, error.message);
    };
    await interleave(cells, { rounds, seconds, beforeRound, stopped: () => this.stopping, lost });
  }

  /** Largest peak of the run, GFLOP/s: others on the machine can only lower it. */
  get largestPeaks() {
    return Object.fromEntries(
      Object.entries(this.peaks)
        .filter(([, seen]) => seen.length > 0)
        .map(([precision, seen]) => [precision, Math.max(...seen)]),
    );
  }

  close() {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** What a measured cell leaves in the results. */
export function rowOf(cell, fields) {
  const { name, device, setting } = cell.about;
  const { rates, steps, peakResidentBytes, side, difference } = cell;
  return { ...fields, side, name, device, setting, rates, steps, peakResidentBytes, difference };
}
