// Draws lifted poses as an SVG strip: node scripts/draw-poses.mjs <poses.npz|poses.json> <picture.svg> [columns]
// Needs the library compiled (npm run build:lib).
import { writeFileSync } from 'node:fs';
import { readPoses } from '../dist/export/read-poses.js';
import { skeletonStrip } from '../dist/export/skeleton-strip.js';

const [input, output, columns] = process.argv.slice(2);
if (!input || !output) {
  console.error('usage: node scripts/draw-poses.mjs <poses.npz|poses.json> <picture.svg> [columns]');
  process.exit(2);
}
writeFileSync(output, skeletonStrip(readPoses(input), columns === undefined ? {} : { columns: Number(columns) }));
console.log(`${output} written`);
