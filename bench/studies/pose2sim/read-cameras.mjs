import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The cameras of a Pose2Sim session: for each its name, image size, the folder of OpenPose's files, and its calibration:
 * `camera` (pixels, with distortion) and `extrinsics` (world to camera, z up).
 * @param {string} folder
 */
export function readCameras(folder) {
  const calibration = readFileSync(join(folder, 'calib-2d', 'Calib_qca.toml'), 'utf8');
  const names = readdirSync(join(folder, 'pose-2d')).filter((name) => name.endsWith('_json'));
  return names.sort().map((name) => {
    const number = /\d+/.exec(name)[0];
    const section = new RegExp(`^\\[cam_${number}\\]$([^]*?)(?=^\\[|$(?![^]))`, 'm').exec(calibration)?.[1] ?? '';
    const numbers = (key) => {
      const line = new RegExp(`^${key} = (.*)$`, 'm').exec(section);
      if (!line) throw new Error(`The calibration has no ${key} of camera ${number}.`);
      return JSON.parse(line[1]);
    };
    const [width, height] = numbers('size');
    const [[fx, , cx], [, fy, cy]] = numbers('matrix');
    return {
      ...{ name: `camera ${number}`, width, height, folder: join(folder, 'pose-2d', name) },
      camera: { fx, fy, cx, cy, distortion: numbers('distortions') },
      extrinsics: { rotation: rotationOf(numbers('rotation')), translation: numbers('translation') },
    };
  });
}

/** Rodrigues: the row-major matrix of a turn about `vector` by its length. */
function rotationOf(vector) {
  const angle = Math.hypot(...vector);
  const [x, y, z] = vector.map((value) => value / angle);
  const [c, s, t] = [Math.cos(angle), Math.sin(angle), 1 - Math.cos(angle)];
  return [
    ...[c + x * x * t, x * y * t - z * s, x * z * t + y * s],
    ...[y * x * t + z * s, c + y * y * t, y * z * t - x * s],
    ...[z * x * t - y * s, z * y * t + x * s, c + z * z * t],
  ];
}
