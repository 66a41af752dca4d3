// Draws docs/pictures/rigs.svg: each rig in its rest pose, seen from the front, with the names of its middle and of its left side.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { rigByName, rigNames } from '../../dist/export/rigs.js';
import { element, heading, label, picture, placed } from '../../dist/figures/svg.js';

const root = path.resolve(import.meta.dirname, '../..');
const PANEL = { width: 500, height: 420 };
const METRE = 205;
/** Metres of the bones of `h36m-17` between these joints, of an adult. */
const BONES = {
  ...{
    '0-1': 0.13,
    '1-2': 0.44,
    '2-3': 0.43,
    '0-4': 0.13,
    '4-5': 0.44,
    '5-6': 0.43,
    '0-7': 0.24,
    '7-8': 0.25,
    '8-9': 0.12,
  },
  ...{ '9-10': 0.12, '8-11': 0.15, '11-12': 0.28, '12-13': 0.25, '8-14': 0.15, '14-15': 0.28, '15-16': 0.25 },
};

function restPose({ joints }) {
  const places = [];
  for (const { parent, rest, bone, share } of joints) {
    const length = share * (BONES[`${Math.min(...bone)}-${Math.max(...bone)}`] ?? 0.1);
    places.push(parent < 0 ? [0, 0] : [places[parent][0] + rest[0] * length, places[parent][1] + rest[1] * length]);
  }
  return places;
}

function panel(name) {
  const rig = rigByName(name);
  const at = restPose(rig).map(([x, y]) => [150 + x * METRE, 195 - y * METRE]);
  const side = (x) => (x > 151 ? 'left' : x < 149 ? 'right' : 'middle');
  const bones = rig.joints.flatMap(({ parent }, i) => {
    if (parent < 0) return [];
    const [[x1, y1], [x2, y2]] = [at[parent], at[i]];
    const line = { x1, y1, x2, y2, stroke: 'currentColor', 'stroke-width': 4, 'stroke-linecap': 'round' };
    return element('g', { class: side(x2) }, element('line', line));
  });
  const dots = at.map(([cx, cy]) =>
    element('g', { class: side(cx) }, element('circle', { cx, cy, r: 4, fill: 'currentColor' })),
  );
  return heading(0, 14, name) + [...bones, ...dots, ...names(rig, at)].join('\n');
}

/** Names in a column at the right, from top to bottom, each with a line to its joint. */
function names(rig, at) {
  const own = rig.joints
    .map(({ name, end }, i) => ({ name, end, x: at[i][0], y: at[i][1] }))
    .filter(({ name, end, x }) => !end && x > 149 && !/right|_r$/i.test(name));
  own.sort((a, b) => a.y - b.y || a.x - b.x);
  const step = Math.min(20, 380 / own.length);
  const start = 200 - (step * own.length) / 2;
  return own.map(({ name, x, y }, i) => {
    const line = start + i * step;
    const thread = { x1: x + 5, y1: y, x2: 336, y2: line - 4, stroke: 'currentColor', 'stroke-width': 0.7 };
    return element('g', { class: 'axis' }, element('line', thread)) + label(340, line, name, { 'font-size': 11 });
  });
}

const body = rigNames
  .map((name, i) =>
    placed(24 + (i % 2) * (PANEL.width + 20), 24 + Math.floor(i / 2) * (PANEL.height + 16), panel(name)),
  )
  .join('\n');
writeFileSync(
  path.join(root, 'docs/pictures/rigs.svg'),
  picture({ width: 2 * PANEL.width + 68, height: 2 * PANEL.height + 64, body }),
);
