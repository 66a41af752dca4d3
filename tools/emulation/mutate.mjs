// Mutants of the CUDA kernels: every barrier and wait removed, every bound and index shifted by one. All of them stand in one copy of
// the sources, each behind a switch that PSTMO_EMULATION_MUTANT turns, so that one build serves them all.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/**
 * One change of a kernel, behind the switch of its number.
 * @typedef {{ number: number, file: string, line: number, column: number, kind: 'barrier' | 'bound' | 'index', change: string, source: string }} Mutant
 */

/** Files that are not mutated, and why. */
export const AS_THEY_ARE = new Map([['cuda/peaks.cu', 'measures the device: no result comes of it']]);
const CONSTANTS = /^(?:\s|[-+*/()\d]|k[A-Z]\w*|\b[A-Z]\b)+$/;
const DECLARED =
  /(?:\b(?:float|double|int|bool|u?int\d+_t|uint4|Left|Right|LeftRegisters|RightRegisters|PhiloxWords)[\s*]+|[,&]\s*)\w+(?:\[[^\]]*\])*$/;

const HOOKS = `#pragma once
#include <cstdio>
#include <cstdlib>

#include "CUDA_HOST"

namespace pstmo::emulation {

inline const int chosenMutant = [] {
  const char* text = std::getenv("PSTMO_EMULATION_MUTANT");
  return text && *text ? std::atoi(text) : -1;
}();
inline unsigned char reachedMutants[COUNT + 1];

inline int mutant(int number) {
  reachedMutants[number] = 1;
  return chosenMutant == number;
}
// Of a pair: the first lets a bound go one further, the second one less far.
inline int shift(int number) {
  reachedMutants[number] = reachedMutants[number + 1] = 1;
  return (chosenMutant == number) - (chosenMutant == number + 1);
}
// Adds the mutants that the last kernel reached to the file of that name.
inline void noteReached() {
  const char* name = std::getenv("PSTMO_EMULATION_REACHED");
  if (!name || !*name) return;
  if (std::FILE* file = std::fopen(name, "a")) {
    for (int i = 0; i < COUNT; ++i) {
      if (reachedMutants[i]) std::fprintf(file, "%d\\n", i);
      reachedMutants[i] = 0;
    }
    std::fclose(file);
  }
}
inline const bool notesReached = (afterKernel = noteReached, true);

}  // namespace pstmo::emulation
`;

/** The text with all that is no code of a kernel blanked: comments, strings and preprocessor lines. */
function blanked(text) {
  const blank = (match) => match.replace(/[^\n]/g, ' ');
  return text
    .replace(/^#.*$/gm, blank)
    .replace(/\/\/.*$/gm, blank)
    .replace(/"(?:\\.|[^"\\\n])*"/g, blank)
    .replace(/^.*(?:static_assert|if constexpr|template <).*$/gm, blank);
}

/** Where the bracket that opens at `from` closes. */
function closing(code, from) {
  const [open, close] = { '(': '()', '[': '[]', '{': '{}' }[code[from]];
  let depth = 0;
  for (let i = from; i < code.length; i++) {
    if (code[i] === open) depth++;
    else if (code[i] === close && --depth === 0) return i;
  }
  throw new Error(`A ${open} is never closed.`);
}

/** Begin and end of every body of a __global__ or __device__ function. */
function kernelBodies(code) {
  const bodies = [];
  for (const { index } of code.matchAll(/__global__|__device__/g)) {
    let i = index;
    while (code[i] !== '{' && code[i] !== ';') i = code[i] === '(' ? closing(code, i) + 1 : i + 1;
    if (code[i] === '{' && !bodies.some(([begin, end]) => begin <= i && i < end)) bodies.push([i, closing(code, i)]);
  }
  return bodies;
}

/** The arguments of a call whose bracket opens at `from`, as [begin, end]. */
function argumentsOf(code, from) {
  const end = closing(code, from);
  const found = [];
  let begin = from + 1;
  for (let i = begin; i <= end; i++) {
    if (i === end || code[i] === ',') {
      found.push([begin, i]);
      begin = i + 1;
    } else if ('([{'.includes(code[i])) {
      i = closing(code, i);
    }
  }
  return found;
}

/** What can be mutated in a body: { kind, at } or, for an index, { kind, at, end }. */
function placesOf(code, [begin, end]) {
  const body = code.slice(begin, end);
  const places = [];
  for (const { index } of body.matchAll(/\b(?:__syncthreads|syncWarp|copies\.land)\(\);/g))
    places.push({ kind: 'barrier', at: begin + index });
  for (const { index, 0: operator } of body.matchAll(/ (?:<=|>=|<|>)\s+/g)) {
    places.push({ kind: 'bound', at: begin + index + operator.length });
  }
  for (const { index } of body.matchAll(/(?<=[\w\])])\[/g)) {
    const at = begin + index;
    const close = closing(code, at);
    const declared = CONSTANTS.test(code.slice(at + 1, close)) && DECLARED.test(code.slice(0, at));
    if (!declared) places.push({ kind: 'index', at: at + 1, end: close });
  }
  for (const { index, 0: call, 1: name } of body.matchAll(/(?:\.|::|\b)(get4?|put|at|copy4|read|write)\(/g)) {
    const list = argumentsOf(code, begin + index + call.length - 1);
    const indices = {
      put: call.startsWith('::') ? list.slice(1, 3) : list.slice(0, -1),
      copy4: list.slice(1, 3),
      read: list.slice(1),
      write: list.slice(1, 2),
    };
    for (const [from, to] of indices[name] ?? list) places.push({ kind: 'index', at: from, end: to });
  }
  return places.sort((a, b) => a.at - b.at);
}

/** The statement that line `at` (from 0) is part of, on one line: the formatter breaks long ones. */
function statementAt(lines, at) {
  const ends = (line) => /[;{}:]\s*(?:\/\/.*)?$|^\s*(?:\/\/|#)|^\s*$/.test(line);
  let [first, last] = [at, at];
  while (first > 0 && !ends(lines[first - 1])) first--;
  while (last + 1 < lines.length && !ends(lines[last])) last++;
  const parts = lines.slice(first, last + 1).map((line) => line.replace(/\/\/.*$/, '').trim());
  return parts.join(' ').replace(/\( /g, '(');
}

/** The source with its switches, numbered from `first`, and what each does. */
function mutateSource(file, text, first) {
  const code = blanked(text);
  const mutants = [];
  const inserts = [];
  const lines = text.split('\n');
  const add = (place, change) => {
    const line = text.slice(0, place.at).split('\n').length;
    const column = place.at - text.lastIndexOf('\n', place.at - 1);
    mutants.push({
      number: first + mutants.length,
      file,
      line,
      column,
      kind: place.kind,
      change,
      source: statementAt(lines, line - 1),
    });
  };
  for (const place of kernelBodies(code).flatMap((body) => placesOf(code, body))) {
    const number = first + mutants.length;
    const tail = `${text.slice(place.at).split('\n')[0].slice(0, 24)}`;
    if (place.kind === 'barrier') {
      inserts.push([place.at, `if (!::pstmo::emulation::mutant(${number})) `]);
      add(place, 'removed');
    } else if (place.kind === 'bound') {
      inserts.push([place.at, `::pstmo::emulation::shift(${number}) + `]);
      add(place, `1 + ${tail}`);
      add(place, `-1 + ${tail}`);
    } else {
      inserts.push([place.at, `::pstmo::emulation::mutant(${number}) + (`], [place.end, ')']);
      add(place, `1 + ${text.slice(place.at, place.end).replace(/\s+/g, ' ').trim()}`);
    }
  }
  inserts.sort((a, b) => b[0] - a[0]);
  let result = text;
  for (const [at, insert] of inserts) result = result.slice(0, at) + insert + result.slice(at);
  return { result, mutants };
}

/**
 * The mutated sources of the CUDA backend and of the compiled lifter on CUDA by their path under native/, and their mutants. The headers of
 * cuda/device are not among them: the emulated device has twins in their place.
 * @param {string} root
 * @returns {{ sources: Map<string, string>, mutants: Mutant[] }}
 */
export function mutateKernels(root) {
  const native = path.join(root, 'native');
  const files = ['cuda', 'inference/cuda']
    .flatMap((room) => readdirSync(path.join(native, room), { recursive: true }).map((name) => path.join(room, name)))
    .filter((file) => /\.(?:cu|h)$/.test(file) && !/\/(?:device|probes)\//.test(file))
    .sort();
  const sources = new Map();
  const mutants = [];
  for (const file of files) {
    const text = readFileSync(path.join(native, file), 'utf8');
    const own = AS_THEY_ARE.has(file) ? { result: text, mutants: [] } : mutateSource(file, text, mutants.length);
    mutants.push(...own.mutants);
    const folder = path.dirname(file);
    const placed = own.result.replace(/^#include "([^"]+)"/gm, (line, name) => {
      const target = path.join(folder, name);
      return files.includes(target) ? line : `#include "${path.join(native, target)}"`;
    });
    sources.set(file, `#include "${path.relative(folder, 'mutants.h')}"\n#line 1\n${placed}`);
  }
  sources.set(
    'mutants.h',
    HOOKS.replaceAll('COUNT', String(mutants.length)).replace('CUDA_HOST', path.join(native, 'emulation/cuda-host.h')),
  );
  return { sources, mutants };
}

/**
 * Writes the mutated sources to a folder.
 * @param {string} root
 * @param {string} folder
 */
export function writeMutants(root, folder) {
  for (const [file, text] of mutateKernels(root).sources) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), text);
  }
}
