import type { OpCase } from './op-case.js';
import {
  all,
  BF16,
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

/** Rows of heads 32 and 16 wide begin at 16 bytes, of 10 and 3 they do not. Blocks take 64 rows, 32 at a time; of an odd head one less. */
const ATTENTION: AttentionShape[] = [
  { batch: 2, tokens: 27, width: 64, heads: 2 },
  { batch: 1, tokens: 49, width: 64, heads: 4 },
  { batch: 3, tokens: 17, width: 40, heads: 4 },
  { batch: 1, tokens: 5, width: 128, heads: 1 },
  { batch: 1, tokens: 33, width: 6, heads: 2 },
  { batch: 1, tokens: 7, width: 64, heads: 1 },
  { batch: 1, tokens: 64, width: 16, heads: 1 },
  { batch: 1, tokens: 65, width: 32, heads: 2 },
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
        bf16Tolerance: BF16,
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
        bf16Tolerance: 2 * BF16,
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

/**
 * Each query finds one key, by a code of its number's bits: the score of another key is at least 128 lower. A maximum that
 * misses the one key overflows.
 */
function sharpCases(): OpCase[] {
  const shape = { batch: 1, tokens: 65, width: 16, heads: 1 };
  const { batch, tokens, width, heads } = shape;
  const qkv = input('qkv', batch, tokens, 3 * width);
  const sign = (number: number, bit: number) => ((number >> (bit % 7)) & 1 ? 16 : -16);
  for (let token = 0; token < tokens; token++) {
    for (let c = 0; c < width; c++) {
      qkv[3 * width * token + c] = sign((7 * token + 3) % tokens, c);
      qkv[3 * width * token + width + c] = sign(token, c);
    }
  }
  const truth = attention(doubles(qkv), shape, dropoutScale(undefined, tokens, tokens));
  const about = 'one key a query';
  return [
    {
      ...{ op: 'attentionForward', about, attributes: shape, tolerance: FORWARD, bf16Tolerance: BF16 },
      arrays: () => ({ qkv, out: new Float32Array(tokens * width), logSumExp: new Float32Array(heads * tokens) }),
      expected: () => all({ out: truth.out, logSumExp: truth.logSumExp }),
    },
    {
      ...{ op: 'attentionMaps', about, attributes: shape, tolerance: FORWARD },
      arrays: () => ({ qkv, maps: new Float32Array(heads * tokens * tokens) }),
      expected: () => all({ maps: truth.maps }),
    },
  ];
}

export const attentionCases: OpCase[] = [...ATTENTION.flatMap(casesOf), ...sharpCases()];
