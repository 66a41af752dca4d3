import { basename, dirname, extname, join } from 'node:path';
import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';

/** Files that belong to one lifted video: its people, and of each the clips that long gaps left. */
export interface ResultFiles {
  name: string;
  people: { name: string | undefined; files: string[] }[];
}

/** What `pstmo lift` adds to a name for each person and clip. */
const liftedName = /^(.*?)(?:-person(\d+))?(?:-clip(\d+))?(-3d)?$/;

/**
 * Groups files by the names that `pstmo lift` gives them: `walk-person0-3d.npz` and `walk-person1-3d.npz` are two people of one
 * result, `walk-clip0-3d.npz` and `walk-clip1-3d.npz` parts of one person. Throws `ERR_USAGE` for more than two results.
 */
export function groupResults(paths: readonly string[]): ResultFiles[] {
  checkArguments('groupResults', { paths }, 'list');
  const groups = new Map<string, { name: string; people: Map<string, string[]> }>();
  for (const path of [...paths].sort(byName)) {
    const ending = extname(path);
    const [, stem, person = '', clip, suffix = ''] = liftedName.exec(basename(path, ending))!;
    const key = person || clip ? join(dirname(path), `${stem}${suffix}${ending}`) : path;
    const group = groups.get(key) ?? { name: basename(key), people: new Map<string, string[]>() };
    groups.set(key, group);
    group.people.set(person, [...(group.people.get(person) ?? []), path]);
  }
  // In the order in which they were named.
  const order = (key: string) => paths.findIndex((path) => keyOf(path, groups) === key);
  const found = [...groups].sort(([a], [b]) => order(a) - order(b)).map(([, group]) => group);
  if (found.length > 2) {
    throw new PoseError(
      'ERR_USAGE',
      `Expected one result or two to compare, got ${found.length}: ${found.map(({ name }) => name).join(', ')}. Files of several ` +
        'people are one result where they are named as pstmo lift names them (walk-person0-3d.npz, walk-person1-3d.npz).',
    );
  }
  return found.map(({ name, people }) => ({
    // One file is called what it is called.
    name: soleFile(people) ?? name,
    people: [...people].map(([person, files]) => ({ name: person === '' ? undefined : `Person ${person}`, files })),
  }));
}

function soleFile(people: ReadonlyMap<string, readonly string[]>): string | undefined {
  const files = [...people.values()].flat();
  return files.length === 1 ? basename(files[0]) : undefined;
}

function keyOf(path: string, groups: ReadonlyMap<string, { people: ReadonlyMap<string, string[]> }>): string {
  const entries = [...groups];
  return entries.find(([, { people }]) => [...people.values()].some((files) => files.includes(path)))?.[0] ?? path;
}

/** "person2" before "person10". */
function byName(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
