import { dirname, existsSync, join } from './system/node.js';

/** The package's folder: the nearest one above this code with a package.json, since the build moves code between files. */
export function packageRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) {
    folder = dirname(folder);
  }
  return folder;
}
