import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { parseJsonText } from '../../base/json-text.js';
import { PoseError } from '../../base/pose-error.js';
import { writeAtomically } from '../../formats/files/atomic-file.js';

/** Losses of one step. Stage II: metres; Stage I: normalised image units. `step` and `epoch` count from 1. */
export interface StepLine {
  kind: 'step';
  epoch: number;
  step: number;
  loss: number;
  single: number;
  multiple: number;
  learningRate: number;
  /** When the step was done, ISO 8601. */
  time: string;
  /** Of the last seconds. */
  samplesPerSecond: number;
}

/** What an epoch came to. */
export interface EpochLine {
  kind: 'epoch';
  epoch: number;
  /** Steps since the beginning of the training. */
  step: number;
  samples: number;
  /** Of the epoch's last step. */
  learningRate: number;
  /** Means over the epoch's samples, dropout on. */
  loss: number;
  single: number;
  multiple: number;
  /** Stage II: MPJPE in mm; Stage I: the loss in normalised units; null where nothing is held out. */
  validation: number | null;
  best: boolean;
  /** When the epoch was done, ISO 8601. */
  time: string;
  seconds: number;
  samplesPerSecond: number;
}

export type LogLine = StepLine | EpochLine;

/** The training's log: one JSON object a line. */
export class TrainingLog {
  private readonly path: string;

  /** Goes on with the file as it stood at `from` (lines of later steps and a torn last line go), or starts an empty one. */
  constructor(path: string, from: { step: number; epochs: number }) {
    this.path = path;
    const kept = from.step > 0 && existsSync(path) ? keptLines(readFileSync(path, 'utf8'), from) : '';
    writeAtomically(path, (append) => append(Buffer.from(kept)));
  }

  append(lines: readonly LogLine[]): void {
    try {
      appendFileSync(this.path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    } catch (cause) {
      throw new PoseError('ERR_FILE', `${this.path}: the log cannot be written: ${(cause as Error).message}.`, {
        cause,
      });
    }
  }
}

function keptLines(text: string, from: { step: number; epochs: number }): string {
  return text
    .split('\n')
    .filter((line) => {
      const value = parsed(line);
      return value && (value.kind === 'epoch' ? value.epoch <= from.epochs : value.step <= from.step);
    })
    .map((line) => `${line}\n`)
    .join('');
}

function parsed(line: string): LogLine | undefined {
  try {
    const value: unknown = parseJsonText(line);
    return typeof value === 'object' && value !== null ? (value as LogLine) : undefined;
  } catch {
    return undefined;
  }
}
