export { nMpjpeMm, pMpjpeMm, scaleAligned, similarityAligned } from './alignment.js';
export { jointErrorsMm, meanByJoint, mpjpeMm, mpjveMm } from './joint-errors.js';
export {
  MPI_INF_3DHP_ACTIVITIES,
  MPI_INF_3DHP_GROUPS,
  type MpiInf3dhpReport,
  type MpiInf3dhpResult,
  type MpiInf3dhpRow,
  poolMpiInf3dhp,
} from './mpi-inf-3dhp.js';
export { AUC_THRESHOLDS_MM, auc, PCK_LIMIT_MM, pck } from './pck.js';
export { HUMAN36M_ACTIONS, type PooledReport, type PooledScore, poolScores } from './pooling.js';
export {
  countedFrames,
  type ScoredSequence,
  type SequenceScore,
  scoreSequence,
  withoutRoot,
} from './sequence-score.js';
