// The addon that tools and tests ask about operations: the one that lib/binding.ts loads.
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(import.meta.url);

/**
 * Loaded when it is first asked for, since a test chooses between addons after its imports.
 * @returns {typeof import('../../binding.js')}
 */
export function addon() {
  return require('node-gyp-build')(path.join(import.meta.dirname, '../..'));
}
