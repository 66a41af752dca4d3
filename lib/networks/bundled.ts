import { packageRoot } from '../base/package-root.js';
import { PoseError } from '../base/pose-error.js';
import { basename, existsSync, join, readdirSync } from '../base/system/node.js';

const folder = join(packageRoot(), 'models');
const EXTENSION = '.safetensors';

/** A model that comes with the package. */
export interface BundledModel {
  name: string;
  path: string;
}

/** The models that come with the package, by name. */
export function bundledModels(): BundledModel[] {
  if (!existsSync(folder)) {
    return [];
  }
  return filesOf(folder)
    .filter((file) => file.endsWith(EXTENSION))
    .sort()
    .map((file) => ({ name: basename(file, EXTENSION), path: join(folder, file) }));
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw new PoseError('ERR_FILE', `${folder}: cannot be read: ${(cause as Error).message}.`, { cause });
  }
}

/** The file of a model: a path to one, or a bundled model's name. Throws `ERR_FILE` when it is neither. */
export function modelPath(pathOrName: string): string {
  if (existsSync(pathOrName)) {
    return pathOrName;
  }
  const bundled = bundledModels();
  const found = bundled.find(({ name }) => name === pathOrName);
  if (found === undefined) {
    const names = bundled.map(({ name }) => name).join(', ') || 'none';
    throw new PoseError(
      'ERR_FILE',
      `${pathOrName}: there is no such file, and no bundled model of that name (bundled: ${names}).`,
    );
  }
  return found.path;
}
