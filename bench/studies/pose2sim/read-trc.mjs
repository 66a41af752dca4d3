import { readFileSync } from 'node:fs';

/**
 * Markers of a TRC file in metres: names, and (T, markers, 3). Its columns are Y, Z, X of the calibration's axes, which is put
 * right here (a rotation, so that similarity Procrustes would not have minded).
 * @param {string} path
 */
export function readTrc(path) {
  const lines = readFileSync(path, 'utf8').split(/\r?\n/);
  const [rate, , count, markers, unit] = lines[2].split('\t');
  const names = lines[3].split('\t').slice(2).filter(Boolean);
  const rows = lines.slice(5).filter((line) => line.trim() !== '');
  if (unit !== 'm' || names.length !== Number(markers) || rows.length !== Number(count)) {
    throw new Error(`${path}: expected ${markers} markers of ${count} frames in metres.`);
  }
  const points = new Float32Array(rows.length * names.length * 3);
  rows.forEach((row, frame) => {
    const values = row.split('\t').slice(2).map(Number);
    for (let marker = 0; marker < names.length; marker++) {
      const [y, z, x] = values.slice(3 * marker, 3 * marker + 3);
      points.set([x, y, z], (frame * names.length + marker) * 3);
    }
  });
  return { fps: Number(rate), frames: rows.length, names, points };
}
