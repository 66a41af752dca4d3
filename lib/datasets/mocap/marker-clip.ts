import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { PoseError } from '../../base/pose-error.js';
import type { MarkerMotion } from '../../export/marker-motion.js';
import { parseC3d } from '../../export/read-c3d.js';
import { parseTrc } from '../../export/read-trc.js';
import type { MocapClip } from './mocap-clip.js';

const MAX_FILE_BYTES = 512 * 1024 * 1024;

/** Reads the markers of a C3D or TRC file as a motion whose joints are the markers. Throws `ERR_FILE`, `ERR_LIMIT`, `ERR_FORMAT`. */
export async function readMarkerClip(path: string): Promise<MocapClip> {
  let bytes: Uint8Array;
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) {
      throw new PoseError('ERR_LIMIT', `${path} has ${size} bytes; up to ${MAX_FILE_BYTES} are read.`);
    }
    bytes = await readFile(path);
  } catch (error) {
    if (error instanceof PoseError) throw error;
    throw new PoseError('ERR_FILE', `${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  const trc = extname(path).toLowerCase() === '.trc';
  return markerClip(trc ? parseTrc(new TextDecoder().decode(bytes), path) : parseC3d(bytes, path), path);
}

/** Markers as a motion. A marker exactly at the origin was not seen: exporters write it so. */
export function markerClip({ positions, frames, markers, fps }: MarkerMotion, file: string): MocapClip {
  const width = markers.length * 3;
  return {
    file,
    joints: withoutSubject(markers),
    frames,
    fps,
    markers: true,
    pose(frame, places, rotations) {
      rotations.fill(0);
      for (let at = 0; at < width; at += 3) {
        const [x, y, z] = positions.subarray(frame * width + at, frame * width + at + 3);
        const seen = x !== 0 || y !== 0 || z !== 0;
        places[at] = seen ? x : Number.NaN;
        places[at + 1] = seen ? y : Number.NaN;
        places[at + 2] = seen ? z : Number.NaN;
      }
    },
  };
}

/** "subject1:LASI" as LASI, where all names still differ: Vicon puts the subject before its markers. */
function withoutSubject(markers: readonly string[]): string[] {
  const short = markers.map((name) => name.replace(/^.*:/, ''));
  return new Set(short).size === markers.length ? short : [...markers];
}
