import { cpus } from 'node:os';
import { machine } from '../../dist/binding.js';

/** What was measured on. */
export function machineAbout() {
  const { isas, bf16, version } = machine();
  const isa = isas[0] + (bf16 ? ' with BF16' : '');
  return { cpu: cpus()[0].model, cores: cpus().length, isa, node: process.version, pstmo: version };
}
