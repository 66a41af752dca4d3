import { parseArgs } from 'node:util';

/**
 * Command line of a benchmark. `known` names each flag with its default; the default's type is the flag's: text, a number,
 * true or false, or a list of numbers or texts (written with commas). Prints the flags and ends on `--help` or an error.
 */
export function readFlags(usage, known) {
  const options = { help: { type: 'boolean' } };
  for (const [name, value] of Object.entries(known)) {
    options[name] = { type: typeof value === 'boolean' ? 'boolean' : 'string' };
  }
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    if (values.help) {
      process.stdout.write(`${usage}\n${describe(known)}`);
      process.exit(0);
    }
    const flags = Object.fromEntries(
      Object.entries(known).map(([name, standard]) => [name, convert(name, values[name], standard)]),
    );
    return { ...flags, positionals };
  } catch (error) {
    process.stderr.write(`${error.message}\n${usage}\n${describe(known)}`);
    process.exit(2);
  }
}

/** Ends with what there is: `--only` named none of it. */
export function refuseOnly(only, labels) {
  process.stderr.write(
    `--only: expected a pattern that some part matches, got "${only}". There are:\n  ${labels.join('\n  ')}\n`,
  );
  process.exit(2);
}

/** The cases whose name holds `only`; ends with all names where there is none. */
export function chooseOnly(cases, only, nameOf) {
  const chosen = cases.filter((one) => nameOf(one).includes(only));
  if (chosen.length === 0) refuseOnly(only, cases.map(nameOf));
  return chosen;
}

function describe(known) {
  return Object.entries(known)
    .map(([name, value]) => `  --${name}${typeof value === 'boolean' ? '' : ` (${value})`}\n`)
    .join('');
}

function convert(name, given, standard) {
  if (given === undefined || typeof standard === 'boolean') {
    return given ?? standard;
  }
  if (Array.isArray(standard)) {
    return given.split(',').map((part) => convert(name, part, standard[0]));
  }
  if (typeof standard === 'number' && !Number.isFinite(Number(given))) {
    throw new Error(`--${name}: expected a number, got ${given}.`);
  }
  return typeof standard === 'number' ? Number(given) : given;
}
