import type { OpCase } from './op-case.js';
import {
  all,
  DROPOUT,
  doubles,
  dropoutAttributes,
  FORWARD,
  floats,
  GRADIENT,
  input,
  numericGradients,
} from './op-case.js';
import { type AttentionShape, attention, dot, dropoutScale } from './reference.js';

/** Head widths 32 and 16 are tuned; 10 is not; 27 tokens are no multiple of anything, 33 are one more than a tile. */
const ATTENTION: AttentionShape[] = [
  { batch: 2, tokens: 27, width: 64, heads: 2 },
  { batch: 1, tokens: 49, width: 64, heads: 4 },
  { batch: 3, tokens: 17, width: 40, heads: 4 },
  { batch: 1, tokens: 5, width: 128, heads: 1 },
  { batch: 1, tokens: 33, width: 6, heads: 2 },
];

function casesOf(shape: AttentionShape): OpCase[] {
  const { batch, tokens, width, heads } = shape;
  const about = `${batch} x ${tokens} tokens, ${heads} heads of ${width / heads}`;
  const qkv = input('qkv', batch, tokens, 3 * width);
  const dOut = input('dOut', batch, tokens, width);
  const none = () => dropoutScale(undefined, batch * heads * tokens, tokens);
  const pair = (dropped: boolean): OpCase[] => {
    const keep = dropped ? dropoutScale(DROPOUT, batch * heads * tokens, tokens) : none();
    const truth = attention(doubles(qkv), shape, keep);
    const attributes = { ...shape, ...(dropped && dropoutAttributes) };
    const suffix = dropped ? ', dropout' : '';
    return [
      {
        op: 'attentionForward',
        about: about + suffix,
        attributes,
        arrays: () => ({
          qkv,
          out: new Float32Array(batch * tokens * width),
          logSumExp: new Float32Array(batch * heads * tokens),
        }),
        expected: () => all({ out: truth.out, logSumExp: truth.logSumExp }),
        tolerance: FORWARD,
      },
      {
        op: 'attentionBackward',
        about: about + suffix,
        attributes,
        arrays: () => ({
          qkv,
          out: floats(truth.out),
          logSumExp: floats(truth.logSumExp),
          dOut,
          dQkv: new Float32Array(batch * tokens * 3 * width).fill(9),
        }),
        expected: () =>
          numericGradients({ qkv: doubles(qkv) }, (t) => dot(dOut, attention(t.qkv, shape, keep).out), {
            dQkv: { of: 'qkv' },
          }),
        tolerance: GRADIENT,
      },
    ];
  };
  return [
    ...pair(false),
    ...pair(true),
    {
      op: 'attentionMaps',
      about,
      attributes: { ...shape },
      arrays: () => ({ qkv, maps: new Float32Array(batch * heads * tokens * tokens) }),
      expected: () => all({ maps: attention(doubles(qkv), shape, none()).maps }),
      tolerance: FORWARD,
    },
  ];
}

export const attentionCases: OpCase[] = ATTENTION.flatMap(casesOf);
