import { PoseError } from '../pose-error.js';
import { orderFrames } from './frame-order.js';

/** One person in one image. */
export interface Detection {
  /** Index into the list of images. */
  image: number;
  /** The tracker's name for the person, where the file has one. */
  track?: string;
  /** J triples x, y, confidence; pixels. */
  triples: readonly number[];
  /** How sure the detector is of the person; only compared within an image. */
  score: number;
}

/** One person's detections, a row a frame; undefined where the person was not found. */
export interface PersonTrack {
  rows: (Detection | undefined)[];
  frameIds: string[];
  people: number;
  notices: string[];
}

/**
 * Follows one person. With track names, people are ranked by their size summed over the frames and `person` picks one;
 * without, each frame's best-scored detection is taken. The track runs from the person's first frame to the last.
 * Throws `ERR_ARGUMENT` for a person who is not there, `ERR_FORMAT` when the file holds nobody.
 */
export function followPerson(
  where: string,
  images: readonly (string | number)[],
  detections: readonly Detection[],
  person = 0,
): PersonTrack {
  if (detections.length === 0) throw new PoseError('ERR_FORMAT', `${where}: expected detected people, got none.`);
  const order = orderFrames(images);
  const notices = [...order.notices];
  const crowd = mostInOneImage(detections);
  const tracks = tracksOf(detections);
  const people = tracks?.length ?? crowd;
  let chosen: readonly Detection[] = detections;
  if (!(Number.isInteger(person) && person >= 0 && person < people)) {
    throw new PoseError('ERR_ARGUMENT', `${where}: option person: expected 0 to ${people - 1}, got ${person}.`);
  }
  if (tracks) {
    chosen = tracks[person];
    if (people > 1) {
      notices.push(`${people} people: took person ${person} (track ${chosen[0].track}, ${chosen.length} detections).`);
    }
  } else if (crowd > 1) {
    if (person > 0) {
      throw new PoseError(
        'ERR_ARGUMENT',
        `${where}: option person: expected a file with track ids (idx or track_id), got one without; only person 0, the best-scored of each frame, can be taken.`,
      );
    }
    notices.push(`Up to ${crowd} people in a frame and no track ids: took the best-scored person of each frame.`);
  }

  const rows = new Array<Detection | undefined>(order.frames).fill(undefined);
  for (const detection of chosen) {
    const frame = order.frameOf[detection.image];
    const other = rows[frame];
    if (other === undefined || detection.score > other.score) rows[frame] = detection;
  }
  const first = rows.findIndex((row) => row !== undefined);
  const last = rows.findLastIndex((row) => row !== undefined);
  if (first > 0 || last < order.frames - 1) {
    notices.push(
      `The person is seen from frame ${order.names[first]} to ${order.names[last]}; the file's other frames are left out.`,
    );
  }
  return { rows: rows.slice(first, last + 1), frameIds: order.names.slice(first, last + 1), people, notices };
}

/** People by their track, largest for longest first; undefined where the names do not tell people apart. */
function tracksOf(detections: readonly Detection[]): Detection[][] | undefined {
  const tracks = new Map<string, { detections: Detection[]; size: number }>();
  const places = new Set<string>();
  for (const detection of detections) {
    if (detection.track === undefined) return undefined;
    const place = `${detection.image} ${detection.track}`;
    if (places.has(place)) return undefined;
    places.add(place);
    const track = tracks.get(detection.track) ?? { detections: [], size: 0 };
    track.detections.push(detection);
    track.size += sizeOfPerson(detection.triples);
    tracks.set(detection.track, track);
  }
  return [...tracks.values()].sort((a, b) => b.size - a.size).map((track) => track.detections);
}

/** Diagonal of the box about the points that were found, in pixels. */
function sizeOfPerson(triples: readonly number[]): number {
  const [low, high] = [
    [Infinity, Infinity],
    [-Infinity, -Infinity],
  ];
  for (let at = 0; at < triples.length; at += 3) {
    if (!(triples[at + 2] > 0)) continue;
    for (const axis of [0, 1]) {
      low[axis] = Math.min(low[axis], triples[at + axis]);
      high[axis] = Math.max(high[axis], triples[at + axis]);
    }
  }
  return high[0] >= low[0] ? Math.hypot(high[0] - low[0], high[1] - low[1]) : 0;
}

function mostInOneImage(detections: readonly Detection[]): number {
  const counts = new Map<number, number>();
  let most = 0;
  for (const { image } of detections) {
    const count = (counts.get(image) ?? 0) + 1;
    counts.set(image, count);
    most = Math.max(most, count);
  }
  return most;
}
