import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The cameras of a Pose2Sim session: for each its name, image size and the folder of OpenPose's files. */
export function readCameras(folder) {
  const calibration = readFileSync(join(folder, 'calib-2d', 'Calib_qca.toml'), 'utf8');
  const names = readdirSync(join(folder, 'pose-2d')).filter((name) => name.endsWith('_json'));
  return names.sort().map((name) => {
    const number = /\d+/.exec(name)[0];
    return { name: `camera ${number}`, ...imageSize(calibration, number), folder: join(folder, 'pose-2d', name) };
  });
}

function imageSize(calibration, number) {
  const size = new RegExp(`^\\[cam_${number}\\]$[^[]*^size = \\[ *([\\d.]+), *([\\d.]+)\\]`, 'm').exec(calibration);
  if (!size) {
    throw new Error(`The calibration has no size of camera ${number}.`);
  }
  return { width: Number(size[1]), height: Number(size[2]) };
}
