import type { EvaluationReport } from './report.js';

/** Rows that keep their joints: those of everything together. */
const WHOLES = ['overall', 'actionAverage', 'average'];

/**
 * The report in short: every table, to six digits, but each joint's error only in the rows that pool everything.
 */
export function evaluationSummary(report: EvaluationReport): EvaluationReport {
  return { ...report, conditions: short(report.conditions, false) as EvaluationReport['conditions'] };
}

function short(value: unknown, whole: boolean): unknown {
  if (typeof value === 'number') {
    return Number.isInteger(value) ? value : Number(value.toPrecision(6));
  }
  if (Array.isArray(value)) {
    return value.map((item) => short(item, whole));
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const fields = Object.entries(value).filter(([name]) => whole || name !== 'jointErrorsMm');
  return Object.fromEntries(fields.map(([name, item]) => [name, short(item, WHOLES.includes(name))]));
}
