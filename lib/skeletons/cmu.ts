import type { Skeleton } from './skeleton.js';

const joints = [
  'root',
  'lhipjoint',
  'lfemur',
  'ltibia',
  'lfoot',
  'ltoes',
  'rhipjoint',
  'rfemur',
  'rtibia',
  'rfoot',
  'rtoes',
  'lowerback',
  'upperback',
  'thorax',
  'lowerneck',
  'upperneck',
  'head',
  'lclavicle',
  'lhumerus',
  'lradius',
  'lwrist',
  'lhand',
  'lfingers',
  'lthumb',
  'rclavicle',
  'rhumerus',
  'rradius',
  'rwrist',
  'rhand',
  'rfingers',
  'rthumb',
] as const;

/** CMU's ASF skeleton: a joint is the far end of the bone of that name. */
export const cmu: Skeleton = {
  name: 'cmu',
  joints,
  parents: [
    -1, 0, 1, 2, 3, 4, 0, 6, 7, 8, 9, 0, 11, 12, 13, 14, 15, 13, 17, 18, 19, 20, 21, 20, 13, 24, 25, 26, 27, 28, 27,
  ],
  left: [1, 2, 3, 4, 5, 17, 18, 19, 20, 21, 22, 23],
  right: [6, 7, 8, 9, 10, 24, 25, 26, 27, 28, 29, 30],
  root: 0,
};
