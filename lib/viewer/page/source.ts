import { type Packed, unpackArrays } from '../packed-arrays.js';
import { type FrameValue, partName, type ScenePerson, type SceneResult, type SceneValue } from '../scene.js';

/** A person with the numbers that are shown; see `ScenePart`. */
export interface Person extends ScenePerson {
  result: number;
  index: number;
  positions: Float32Array;
  state: Uint8Array;
  keypoints?: Float32Array;
  truth?: Float32Array;
  rooted?: Float32Array;
  aligned?: Float32Array;
}

export interface Result extends Omit<SceneResult, 'people'> {
  people: Person[];
}

export interface LoadedScene extends Omit<SceneValue, 'results'> {
  results: Result[];
}

/** The scene, out of the page itself or from the server that gave it. */
export async function loadScene(): Promise<LoadedScene> {
  const bytes = embedded('scene') ?? (await fetched('data.bin'));
  const { value, arrays } = unpackArrays<SceneValue>(bytes);
  const results = value.results.map(
    (result, r): Result => ({
      ...result,
      people: result.people.map((person, p): Person => {
        const floats = (part: 'keypoints' | 'truth' | 'rooted' | 'aligned') => {
          const found = arrays.get(partName(r, p, part));
          return found ? { [part]: found as Float32Array } : {};
        };
        const positions = arrays.get(partName(r, p, 'positions')) as Float32Array;
        const state = arrays.get(partName(r, p, 'state')) as Uint8Array;
        const parts = { ...floats('keypoints'), ...floats('truth'), ...floats('rooted'), ...floats('aligned') };
        return { ...person, result: r, index: p, positions, state, ...parts };
      }),
    }),
  );
  return { ...value, results };
}

/** What the model does at a frame of a person; undefined where nothing is known of it. */
export async function loadFrame(person: number, frame: number, seed: number): Promise<Packed<FrameValue> | undefined> {
  const inPage = document.getElementById('scene') !== null;
  const bytes = inPage
    ? embedded(`frame-0-${person}-${frame}`)
    : await fetched(`frame.bin?result=0&person=${person}&frame=${frame}&seed=${seed}`);
  return bytes && bytes.length > 0 ? unpackArrays<FrameValue>(bytes) : undefined;
}

function embedded(id: string): Uint8Array | undefined {
  const text = document.getElementById(id)?.textContent;
  if (text === undefined || text === null) return undefined;
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

async function fetched(path: string): Promise<Uint8Array> {
  const response = await fetch(path);
  if (!response.ok) throw new Error((await response.text()) || `${path}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
