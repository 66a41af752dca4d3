import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { parseJsonText } from '../base/json-text.js';
import { PoseError } from '../base/pose-error.js';
import * as z from '../base/schema.js';
import { schemaProblems } from '../base/schema-problems.js';
import { type ModelConfig, type ModelConfigInput, modelConfigSchema } from '../networks/config.js';
import { presetConfig, presetNames } from '../networks/presets.js';
import { numberFromZero, RepeatableOption, wholeNumber } from './parse.js';

/** What the command line may say of a model's configuration. */
export interface ModelFlags {
  model?: string;
  frames?: number;
  noise?: ModelConfigInput['noise'];
  seed?: number;
  set?: Record<string, unknown>;
}

type Noise = ModelConfig['noise'];

/** "none", "detector", "detector:0.5", "gaussian:0.01" (normalised sigma), "pixels:3". */
export function noiseFlag(text: string): Noise {
  const [kind, amount] = text.split(':', 2);
  if (kind === 'none' && amount === undefined) {
    return { kind };
  }
  if (kind === 'detector') {
    return { kind, scale: amount === undefined ? 1 : numberFromZero(amount) };
  }
  if ((kind === 'gaussian' || kind === 'pixels') && amount !== undefined) {
    return { kind: 'gaussian', sigma: numberFromZero(amount), unit: kind === 'pixels' ? 'pixels' : 'normalised' };
  }
  throw new InvalidArgumentError('Expected none, detector, detector:<scale>, gaussian:<sigma> or pixels:<sigma>.');
}

function assignment(text: string, before: Record<string, unknown> = {}): Record<string, unknown> {
  const at = text.indexOf('=');
  const path = text.slice(0, at).split('.');
  if (at < 1 || path.some((name) => name === '' || name === '__proto__')) {
    throw new InvalidArgumentError('Expected <field>=<value>, for example layers=4 or masking.joints=7.');
  }
  return assigned(before, path, parsedValue(text.slice(at + 1)));
}

function assigned(object: Record<string, unknown>, [name, ...rest]: string[], value: unknown): Record<string, unknown> {
  const inner = object[name];
  const inside = typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : {};
  return { ...object, [name]: rest.length === 0 ? value : assigned(inside, rest, value) };
}

/** JSON where it is JSON, text otherwise. */
function parsedValue(text: string): unknown {
  try {
    return parseJsonText(text);
  } catch {
    return text;
  }
}

/** A preset's name. */
export function presetFlag(text: string): string {
  if (!presetNames.includes(text)) {
    throw new InvalidArgumentError(`Expected one of ${presetNames.join(', ')}.`);
  }
  return text;
}

function presetOrFile(text: string): string {
  if (!text.endsWith('.json') && !presetNames.includes(text)) {
    throw new InvalidArgumentError(`Expected one of ${presetNames.join(', ')}, or a name that ends in .json.`);
  }
  return text;
}

/** Adds the flags of a model's configuration to a command. */
export function addModelFlags(command: Command): Command {
  return configFlag(command)
    .option('--model <preset>', `a preset (${presetNames.join(', ')}) or a JSON file of a configuration`, presetOrFile)
    .option('--frames <count>', 'frames a window: 9, 27, 81, 243 or 351', wholeNumber(1))
    .option('--noise <kind>', 'on the 2D: none, detector[:scale], gaussian:<sigma>, pixels:<sigma>', noiseFlag)
    .option('--seed <number>', 'of everything that is random', wholeNumber(0));
}

/** Adds `--set` to a command. */
export function configFlag(command: Command): Command {
  return command.addOption(
    new RepeatableOption(
      '--set <field=value>',
      `any field of the configuration, again and again (${fieldNames()})`,
    ).argParser(assignment),
  );
}

function fieldNames(): string {
  return Object.keys(modelConfigSchema.shape).join(', ');
}

/** The configuration that the flags ask for; undefined when they say nothing. */
export function modelFromFlags(flags: ModelFlags): ModelConfigInput | undefined {
  const base = flags.model === undefined ? {} : namedConfig(flags.model);
  const asked = {
    ...base,
    ...(flags.frames !== undefined && { frames: flags.frames as ModelConfigInput['frames'] }),
    ...(flags.noise !== undefined && { noise: flags.noise }),
    ...(flags.seed !== undefined && { seed: flags.seed }),
    ...flags.set,
  };
  const checked = z.partial(modelConfigSchema).safeParse(asked, { reportInput: true });
  if (!checked.success) {
    throw new PoseError('ERR_USAGE', `model configuration: ${schemaProblems(checked.error)}. Fields: ${fieldNames()}.`);
  }
  return Object.keys(asked).length > 0 ? asked : undefined;
}

function namedConfig(name: string): ModelConfigInput {
  if (!name.endsWith('.json')) {
    return presetConfig(name);
  }
  let text: string;
  try {
    text = readFileSync(name, 'utf8');
  } catch (cause) {
    throw new PoseError('ERR_FILE', `${name} cannot be read: ${(cause as Error).message}.`, { cause });
  }
  const value = parsedValue(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new PoseError('ERR_CONFIG', `${name} must hold a JSON object of configuration fields.`);
  }
  return value;
}
