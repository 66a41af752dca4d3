// Writes the example clip: examples/walking.json (what a detector saw) and examples/walking-truth.npz (what was there).
// Needs the library compiled (npm run build:lib).
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { alphaPoseJson, walkingClip, walkingTruth } from '../../dist/datasets/walking/walking-clip.js';
import { writeNpz } from '../../dist/formats/numpy/npz-writer.js';

const path = (name) => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
const clip = walkingClip();
writeFileSync(path('walking.json'), alphaPoseJson(clip));
writeNpz(path('walking-truth.npz'), walkingTruth(clip), { compress: true });
console.log('examples/walking.json and examples/walking-truth.npz written');
