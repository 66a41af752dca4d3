import { PoseError } from './pose-error.js';

// Names of version 0.1 that still work in this version and go in the next. CHANGELOG.md lists them. The check of words excepts
// this file, and lib/viewer/old-names.ts, which has the viewer's exports.

/** Options by their old names: of `load`, `pretrain`, `finetune`, `evaluate`, `startViewer` and `viewerPage`; fields of run.json. */
const OPTIONS = {
  plan: 'compiled',
  products: 'matmul',
  moments: 'inspector',
  checkpointMinutes: 'checkpointEvery',
} as const;

/** Flags of the command line. */
const FLAGS = {
  '--plan': '--compiled',
  '--products': '--matmul',
  '--checkpoint-minutes': '--checkpoint-every',
} as const;

/** Old options and flags whose values have another form now. */
const VALUES = new Map<string, (value: unknown) => unknown>([
  ['checkpointMinutes', (value) => (typeof value === 'number' ? `${value}m` : value)],
  ['--checkpoint-minutes', (value) => `${value}m`],
]);

/** Properties of what commands print as JSON. */
const PROPERTIES = {
  doctor: { gpuProducts: 'gpuMatmul' },
  selfTest: { planError: 'compiledError' },
  peaks: { product: 'matmul' },
} as const;

/** Old options of models, trainings and evaluations, for programs in TypeScript. */
export interface OldModelOptions {
  /** @deprecated Use `compiled`. */
  plan?: 'auto' | 'on' | 'off';
  /** @deprecated Use `matmul`. */
  products?: string;
}

/** The old option of `pretrain` and `finetune`. */
export interface OldTrainingOptions extends Omit<OldModelOptions, 'plan'> {
  /** @deprecated Use `checkpointEvery`: `'5m'`. */
  checkpointMinutes?: number;
}

/** The old option of `startViewer` and `viewerPage`. */
export interface OldViewerOptions<Inspector> {
  /** @deprecated Use `inspector`. */
  moments?: Inspector | undefined;
}

/** Old properties of a `PoseLifter`. */
export interface OldLifterProperties {
  /** @deprecated Use `unsupportedReason`. */
  readonly planObstacle: string;
}

const warned = new Set<string>();

function warnOnce(old: string, now: string): void {
  if (warned.has(old)) return;
  warned.add(old);
  const text = `${old} is an old name and goes in the next version: use ${now}.`;
  if (typeof process === 'undefined') console.warn(`pstmo: ${text}`);
  else process.emitWarning(text, 'DeprecationWarning', 'PSTMO_OLD_NAME');
}

/** Replaces old option names by the names of today, with a deprecation warning each. Throws `ERR_ARGUMENT` where both are given. */
export function withoutOldNames<Options extends object>(options: Options): Options {
  const given = new Map<string, unknown>(Object.entries(options));
  for (const [old, now] of Object.entries(OPTIONS)) {
    if (!given.has(old)) continue;
    if (given.has(now)) {
      throw new PoseError('ERR_ARGUMENT', `${old} is the old name of ${now}: expected one of them, got both.`);
    }
    warnOnce(`The option ${old}`, now);
    given.set(now, presentValue(old, given.get(old)));
    given.delete(old);
  }
  return Object.fromEntries(given) as Options;
}

/** Replaces old flags, `--flag` or `--flag=value`, by those of today; `notice` is told of each. */
export function withoutOldFlags(args: readonly string[], notice: (text: string) => void): string[] {
  let valueFollows: string | undefined;
  return args.map((arg) => {
    if (valueFollows !== undefined) {
      const value = presentValue(valueFollows, arg) as string;
      valueFollows = undefined;
      return value;
    }
    const [name] = arg.split('=', 1);
    if (!Object.hasOwn(FLAGS, name)) return arg;
    const now = FLAGS[name as keyof typeof FLAGS];
    notice(`${name} is an old name and goes in the next version: use ${now}.`);
    if (name !== arg) return `${now}=${presentValue(name, arg.slice(name.length + 1))}`;
    valueFollows = name;
    return now;
  });
}

function presentValue(old: string, value: unknown): unknown {
  return VALUES.get(old)?.(value) ?? value;
}

/** Adds the old names of what a command prints as JSON. */
export function withOldProperties<Value extends object>(of: keyof typeof PROPERTIES, value: Value): Value {
  const old = Object.entries(PROPERTIES[of]).map(([name, now]) => [name, value[now as keyof Value]]);
  return { ...value, ...Object.fromEntries(old) };
}

/** Gives a class's prototype the getters of {@link OldLifterProperties}. */
export function addOldLifterProperties(prototype: { readonly unsupportedReason: string }): void {
  Object.defineProperty(prototype, 'planObstacle', {
    configurable: true,
    get(this: { unsupportedReason: string }) {
      warnOnce('The property planObstacle', 'unsupportedReason');
      return this.unsupportedReason;
    },
  });
}
