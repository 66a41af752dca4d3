import type { MpiInf3dhpReport } from '../metrics/mpi-inf-3dhp.js';
import type { PooledReport, PooledScore } from '../metrics/pooling.js';
import type { ModelConfig } from '../networks/config.js';

/** What one method comes to on the test sequences. */
export interface MethodReport extends PooledReport {
  /** `P-STMO`, `mean pose` or `linear regression`. */
  method: string;
  cameras: PooledScore[];
  /** MPI-INF-3DHP's own tables, where the data set has its joints. */
  mpiInf3dhp?: MpiInf3dhpReport;
}

/** The methods on one kind of 2D input. */
export interface ConditionReport {
  name: string;
  /** The noise that was added to the 2D of the data set, in the test and in the baselines' training data. */
  noise: ModelConfig['noise'];
  methods: MethodReport[];
}

/** Where a refining model gets the root's depth: from the ground truth, or fitted to the 2D by least squares. */
export type RootSource = 'truth' | 'estimated';

/** What {@link evaluate} answers. Errors are in millimetres. */
export interface EvaluationReport {
  model: { name: string; config: ModelConfig; device: string; precision: string };
  /** `validFrames` are scored: all but those that the data set marks as not valid. */
  dataset: { name: string; source: string; split: string; sequences: number; frames: number; validFrames: number };
  /** Sentences: which joints were mapped between skeletons, and why baselines are missing. */
  notes: string[];
  /** true: each prediction is the mean of the plain and the un-mirrored one. */
  flip: boolean;
  /** The seed by which each window's frames were shuffled, or null where they came in order. */
  shuffleFrames: number | null;
  /** The refining module's root depth, or null where the model does not refine. */
  refine: { root: RootSource } | null;
  conditions: ConditionReport[];
  /** Frames lifted a second, mirrored pass included where `flip` is true. */
  framesPerSecond: number;
}
