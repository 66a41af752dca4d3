import type { OpCase } from './op-case.js';
import { adamCases } from './op-cases-adam.js';
import { attentionCases } from './op-cases-attention.js';
import { linearCases } from './op-cases-linear.js';
import { normalizationCases } from './op-cases-normalization.js';
import { poseCases } from './op-cases-poses.js';
import { stridedConvCases } from './op-cases-strided-conv.js';
import { tokenCases } from './op-cases-tokens.js';

/** At least one case of every operation of native/ops/operations.h. */
export const opCases: OpCase[] = [
  ...linearCases,
  ...normalizationCases,
  ...attentionCases,
  ...stridedConvCases,
  ...tokenCases,
  ...poseCases,
  ...adamCases,
];
