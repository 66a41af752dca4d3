import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const folderOf = (room: string) => fileURLToPath(new URL(`../../native/${room}/device/`, import.meta.url));
const cuda = folderOf('cuda');
const twins = folderOf('emulation');

/** The code of a header: no comments, no lines of the preprocessor, one branch of an #else. */
function codeOf(file: string): string {
  return readFileSync(file, 'utf8')
    .replace(/^#else$[\s\S]*?^#endif$/gm, '')
    .replace(/^#.*$/gm, '')
    .replace(/\/\/.*$/gm, '');
}

/** Functions, members and types that a header declares for kernels. */
function namesOf(file: string): string[] {
  const code = codeOf(file).replace(/^ private:$[\s\S]*?^\};$/gm, '};');
  const functions = [...code.matchAll(/^ {0,2}(?!return )(?:[\w:<>&*]+ )+[&*]?([a-z]\w*)\(/gm)].map(([, name]) => name);
  const types = [...code.matchAll(/^(?:struct|class) (\w+)/gm)].map(([, name]) => name);
  return [...new Set([...functions, ...types])].filter((name) => name !== 'volatile').sort();
}

/** Constants of a header by name, as they are written. */
function constantsOf(file: string): Record<string, string> {
  const found = codeOf(file).matchAll(/^(?: {2}static )?constexpr [\w ]+[ *]+(k\w+) = ([^;]+);/gm);
  return Object.fromEntries([...found].map(([, name, value]) => [name, value]));
}

const headers = readdirSync(cuda).sort();
/** Headers whose constants differ on purpose. */
const DIFFERENT = ['library-mark.h', 'peak-sizes.h'];

it('each header of native/cuda/device has a twin, and each twin a header', () => {
  expect(headers).toContain('ptx.h');
  expect(readdirSync(twins).sort()).toEqual(headers);
});

it.each(headers)('%s declares what its twin declares', (name) => {
  const [own, other] = [`${cuda}${name}`, `${twins}${name}`];
  const twin = namesOf(other);
  expect(namesOf(own).filter((one) => !twin.includes(one))).toEqual([]);
  if (DIFFERENT.includes(name)) expect(Object.keys(constantsOf(other))).toEqual(Object.keys(constantsOf(own)));
  else expect(constantsOf(other)).toMatchObject(constantsOf(own));
});

it('the names of ptx.h and warp.h are found', () => {
  expect(namesOf(`${cuda}ptx.h`)).toEqual(
    expect.arrayContaining(['AsyncCopies', 'copy4', 'loadTransposed', 'toBrainFloat']),
  );
  expect(namesOf(`${cuda}warp.h`)).toEqual(['anyLane', 'laneOfWarp', 'shuffleFrom', 'shuffleXor', 'syncWarp']);
  expect(constantsOf(`${cuda}warp.h`)).toEqual({ kWarp: '32', kAllLanes: '0xFFFFFFFFu' });
});
