import { checkArguments } from '../base/check-arguments.js';
import { pushAll } from '../base/lists.js';
import { alignedRows } from '../base/text-table.js';
import type { MpiInf3dhpReport, MpiInf3dhpRow } from '../metrics/mpi-inf-3dhp.js';
import type { PooledScore } from '../metrics/pooling.js';
import type { ConditionReport, EvaluationReport, MethodReport } from './report.js';

/** The report as tables for people. */
export function evaluationTable(report: EvaluationReport): string {
  checkArguments(
    'evaluationTable',
    { report },
    {
      ...{
        model: 'object',
        dataset: 'object',
        notes: 'list',
        flip: 'boolean',
        conditions: 'list',
        framesPerSecond: 'number',
      },
      ...{ shuffleFrames: 'null|number', refine: 'null|object' },
    },
  );
  const { model, dataset, flip, shuffleFrames, refine } = report;
  const lines = [
    `${model.name} on ${dataset.name}, ${dataset.split} split: ${dataset.sequences} sequences, ${dataset.frames} frames` +
      (dataset.validFrames === dataset.frames ? '' : `, ${dataset.validFrames} of them valid: these are scored`),
    `${model.device}, ${model.precision}, ${flip ? 'mirrored test' : 'no mirrored test'}, ` +
      `${report.framesPerSecond.toFixed(0)} frames/s`,
  ];
  if (shuffleFrames !== null) {
    lines.push(`The frames of each window are shuffled (seed ${shuffleFrames}); its middle frame's pose is the truth.`);
  }
  if (refine) {
    const truth = refine.root === 'truth';
    lines.push(`Refined with the root's depth ${truth ? 'from the ground truth, as the paper does' : 'estimated'}.`);
  }
  pushAll(lines, report.notes);
  return [...lines, ...report.conditions.flatMap(conditionLines)].join('\n');
}

function conditionLines(condition: ConditionReport): string[] {
  const lines = ['', `2D ${condition.name}. Errors in mm; MPJVE in mm a frame.`];
  for (const by of ['subjects', 'cameras', 'actions'] as const) {
    pushAll(lines, ['', ...scoreTable(by, condition.methods)]);
  }
  for (const method of condition.methods) {
    if (method.mpiInf3dhp) {
      pushAll(lines, ['', `${method.method}: MPI-INF-3DHP`, ...mpiInf3dhpLines(method.mpiInf3dhp)]);
    }
  }
  return lines;
}

/** Every method's rows of one kind, method by method, and their averages. */
function scoreTable(by: 'subjects' | 'cameras' | 'actions', methods: readonly MethodReport[]): string[] {
  const rows = [['method', `by ${by.slice(0, -1)}`, 'frames', 'MPJPE', 'P-MPJPE', 'N-MPJPE', 'MPJVE']];
  for (const method of methods) {
    const end = by === 'actions' ? [method.actionAverage, method.overall] : [method.overall];
    for (const score of [...method[by], ...end]) {
      rows.push([method.method, ...scoreCells(score)]);
    }
  }
  return alignedRows(rows);
}

function scoreCells(score: PooledScore): string[] {
  const errors = [score.mpjpeMm, score.pMpjpeMm, score.nMpjpeMm];
  return [score.name, String(score.frames), ...errors.map((mm) => mm.toFixed(1)), score.mpjveMm.toFixed(2)];
}

function mpiInf3dhpLines(report: MpiInf3dhpReport): string[] {
  const cells = (row: MpiInf3dhpRow) => [
    row.name,
    String(row.frames),
    percent(row.pck),
    percent(row.auc),
    row.mpjpeMm.toFixed(1),
  ];
  const head = ['', 'frames', 'PCK %', 'AUC %', 'MPJPE'];
  const groups = report.average.groups.map(({ name, pck, auc }) => [name, percent(pck), percent(auc)]);
  const lines = alignedRows([head, ...[...report.sequences, report.average].map(cells)]);
  if (report.activities.length > 0) {
    pushAll(lines, ['', ...alignedRows([['activity', ...head.slice(1)], ...report.activities.map(cells)])]);
  }
  return [...lines, '', ...alignedRows([['joints', 'PCK %', 'AUC %'], ...groups])];
}

function percent(share: number): string {
  return (100 * share).toFixed(1);
}
