import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import type { Tensor } from '../base/tensor.js';
import { heatMap } from './heat-map.js';
import { heading, label, picture, placed, sideBySide, stacked } from './svg.js';

/** One layer's attention weights (H, n, n), as `PoseLifter.attention` and `MaskedPoseModel.attention` give them. */
export interface DrawnAttention {
  module: string;
  layer: number;
  maps: Tensor;
}

const names: Readonly<Record<string, string>> = { tem: 'TEM', mofa: 'MOFA', decoder: 'decoder' };

/** Attention maps as an SVG picture, a row a layer and a column a head: row i of a map says where token i looks. */
export function attentionFigure(layers: readonly DrawnAttention[]): string {
  checkArguments('attentionFigure', { layers }, 'list');
  const flat = layers.find(({ maps }) => maps.shape.length !== 3 || maps.shape[1] !== maps.shape[2]);
  if (layers.length === 0 || flat) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `Attention maps: expected layers of shape (H, n, n), got ${flat ? `(${flat.maps.shape.join(', ')})` : 'none'}.`,
    );
  }
  const rows = layers.map(({ layer, maps: { data, shape } }) => {
    const [heads, tokens] = shape;
    const cells = tokens * tokens;
    return sideBySide(
      Array.from({ length: heads }, (_, head) =>
        heatMap(data.subarray(head * cells, (head + 1) * cells), tokens, {
          title: `layer ${layer + 1}, head ${head + 1}: ${tokens} tokens`,
        }),
      ),
      14,
    );
  });
  const { width, height, body } = stacked(rows, 14);
  const { module } = layers[0];
  const parts = [
    heading(20, 26, `Attention of ${names[module] ?? module}`),
    label(20, 44, 'down: the token that looks; across: where it looks; brightest: the most of its map', {
      class: 'quiet',
    }),
    placed(20, 58, body),
  ];
  return picture({ width: width + 40, height: height + 78, body: parts.join('\n') });
}
