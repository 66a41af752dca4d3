import { parseJsonText } from '../base/json-text.js';
import { PoseError } from '../base/pose-error.js';
import { identity, multiply, onSideOf, type Quaternion, rotate } from '../motion/quaternion.js';
import { add, type Vector } from '../motion/vector.js';

/** A skeleton of joints through time, as a glTF file animates it. */
export interface JointMotion {
  /** (T, J, 3), metres, y up. */
  positions: Float32Array;
  frames: number;
  joints: string[];
  /** -1 for a joint whose parent is none of the joints. */
  parents: number[];
  fps: number;
  /** Frame, from 0, of the first key. */
  start: number;
}

const MAGIC = 0x46546c67;
const JSON_CHUNK = 0x4e4f534a;
const BINARY_CHUNK = 0x004e4942;
const FLOAT = 5126;
const widths: Readonly<Record<string, number>> = { SCALAR: 1, VEC3: 3, VEC4: 4 };

interface GltfNode {
  name?: string;
  children?: number[];
  translation?: number[];
  rotation?: number[];
}

interface Gltf {
  nodes?: GltfNode[];
  skins?: { joints: number[] }[];
  animations?: {
    channels: { sampler: number; target: { node?: number; path: string } }[];
    samplers: { input: number; output: number; interpolation?: string }[];
  }[];
  accessors?: { bufferView?: number; byteOffset?: number; componentType: number; count: number; type: string }[];
  bufferViews?: { byteOffset?: number; byteLength: number; byteStride?: number }[];
}

/** The keys of one node: translations or rotations at times. */
interface Track {
  times: Float32Array;
  values: Float32Array;
  width: number;
}

/**
 * Reads how a binary glTF file (`.glb`) moves the joints of its first skin: translations and rotations of its first
 * animation, by linear keys, at the times of the sampler with the most. Scales are passed over. Throws `ERR_FORMAT`, or
 * `ERR_UNSUPPORTED` for keys of another kind.
 */
export function parseGlb(bytes: Uint8Array, where: string): JointMotion {
  const { gltf, binary } = chunksOf(bytes, where);
  const wrong = (expected: string, got: string) =>
    new PoseError('ERR_FORMAT', `${where}: expected ${expected}, got ${got}.`);
  const { nodes = [], skins = [], animations = [] } = gltf;
  const joints = skins[0]?.joints ?? [];
  if (joints.length === 0 || animations.length === 0) {
    throw wrong('a skin and an animation', `${skins.length} skins and ${animations.length} animations`);
  }
  const numbers = (index: number) => floats(gltf, binary, index, where);
  const moved = new Map<string, Track>();
  let keys = new Float32Array(0);
  for (const { sampler, target } of animations[0].channels) {
    const { input, output, interpolation = 'LINEAR' } = animations[0].samplers[sampler] ?? {};
    if (input === undefined || output === undefined || !['translation', 'rotation'].includes(target.path)) continue;
    if (interpolation !== 'LINEAR') {
      throw new PoseError('ERR_UNSUPPORTED', `${where}: keys of the kind ${interpolation}; LINEAR ones are read.`);
    }
    const [times, values] = [numbers(input).data, numbers(output)];
    if (values.data.length !== times.length * values.width)
      throw wrong(`${times.length} keys`, `${values.data.length}`);
    moved.set(`${target.node} ${target.path}`, { times, values: values.data, width: values.width });
    if (times.length > keys.length) keys = times;
  }
  if (keys.length < 2) throw wrong('at least two keys', String(keys.length));
  const parentOf = new Map(nodes.flatMap(({ children = [] }, parent) => children.map((child) => [child, parent])));
  const seconds = keys[keys.length - 1] - keys[0];
  const fps = Number(((keys.length - 1) / seconds).toFixed(3));
  const positions = new Float32Array(keys.length * joints.length * 3);
  for (const [frame, time] of keys.entries()) {
    const places = new Map<number, { place: Vector; turn: Quaternion }>();
    const placeOf = (node: number, depth = 0): { place: Vector; turn: Quaternion } => {
      const known = places.get(node);
      if (known) return known;
      if (depth > nodes.length) throw wrong('nodes that are no circle', `node ${node} above itself`);
      const { translation = [0, 0, 0], rotation = identity } = nodes[node] ?? {};
      const shift = valueAt(moved.get(`${node} translation`), time) ?? translation;
      const turn = valueAt(moved.get(`${node} rotation`), time) ?? rotation;
      const parent = parentOf.get(node);
      const above = parent === undefined ? undefined : placeOf(parent, depth + 1);
      const own = turn as unknown as Quaternion;
      const at = shift as unknown as Vector;
      const placed = above
        ? { place: add(above.place, rotate(above.turn, at)), turn: multiply(above.turn, own) }
        : { place: at, turn: own };
      places.set(node, placed);
      return placed;
    };
    for (const [index, node] of joints.entries()) {
      positions.set(placeOf(node).place, (frame * joints.length + index) * 3);
    }
  }
  return {
    ...{ positions, frames: keys.length, fps, start: Math.max(0, Math.round(keys[0] * fps)) },
    joints: joints.map((node) => nodes[node]?.name ?? `node ${node}`),
    parents: joints.map((node) => joints.indexOf(parentOf.get(node) ?? -1)),
  };
}

function chunksOf(bytes: Uint8Array, where: string): { gltf: Gltf; binary: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 20 || view.getUint32(0, true) !== MAGIC || view.getUint32(16, true) !== JSON_CHUNK) {
    throw new PoseError(
      'ERR_FORMAT',
      `${where}: expected a binary glTF file, got ${bytes.length} bytes of another kind.`,
    );
  }
  const length = view.getUint32(12, true);
  let gltf: Gltf;
  try {
    gltf = parseJsonText(new TextDecoder().decode(bytes.subarray(20, 20 + length))) as Gltf;
  } catch (cause) {
    throw new PoseError('ERR_FORMAT', `${where}: expected glTF's JSON, got ${(cause as Error).message}.`, { cause });
  }
  const next = 20 + length;
  const has = bytes.length >= next + 8 && view.getUint32(next + 4, true) === BINARY_CHUNK;
  const binary = has ? bytes.subarray(next + 8, next + 8 + view.getUint32(next, true)) : new Uint8Array(0);
  return { gltf, binary };
}

function floats(
  { accessors = [], bufferViews = [] }: Gltf,
  binary: Uint8Array,
  index: number,
  where: string,
): { data: Float32Array<ArrayBuffer>; width: number } {
  const accessor = accessors[index];
  const buffer = bufferViews[accessor?.bufferView ?? -1];
  const width = widths[accessor?.type ?? ''];
  if (!accessor || !buffer || width === undefined || accessor.componentType !== FLOAT) {
    throw new PoseError('ERR_UNSUPPORTED', `${where}: keys that are no floats in the file itself (accessor ${index}).`);
  }
  const stride = buffer.byteStride ?? width * 4;
  const start = (buffer.byteOffset ?? 0) + (accessor.byteOffset ?? 0);
  if (accessor.count < 1 || start + (accessor.count - 1) * stride + width * 4 > binary.length) {
    throw new PoseError('ERR_FORMAT', `${where}: expected ${accessor.count} keys, got ${binary.length} bytes of data.`);
  }
  const view = new DataView(binary.buffer, binary.byteOffset, binary.byteLength);
  const data = new Float32Array(accessor.count * width);
  for (let at = 0; at < data.length; at++) {
    data[at] = view.getFloat32(start + Math.floor(at / width) * stride + (at % width) * 4, true);
  }
  return { data, width };
}

/** A node's value at a time, between its keys. */
function valueAt(track: Track | undefined, time: number): number[] | undefined {
  if (!track) return undefined;
  const { times, values, width } = track;
  let [low, high] = [0, times.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) low = middle;
    else high = middle;
  }
  const share = Math.min(1, Math.max(0, (time - times[low]) / (times[high] - times[low] || 1)));
  const key = (at: number) => Array.from(values.subarray(at * width, (at + 1) * width));
  const [before, after] = [key(low), key(high)];
  // Two quaternions of one rotation differ in sign.
  const near = width === 4 ? onSideOf(after as unknown as Quaternion, before as unknown as Quaternion) : after;
  const mixed = before.map((value, axis) => (1 - share) * value + share * near[axis]);
  if (width !== 4) return mixed;
  const length = Math.hypot(mixed[0], mixed[1], mixed[2], mixed[3]) || 1;
  return mixed.map((value) => value / length);
}
