import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = resolve(fileURLToPath(new URL('../..', import.meta.url)));

/** A parameter as `checkArguments` names kinds: `text|Uint8Array`, `object?`; `any` for what may be anything. */
export interface PublicParameter {
  name: string;
  kind: string;
  /** Of an object of options: its fields. */
  fields: PublicParameter[];
}

/** A function, or a method of a class, that package.json exports. */
export interface PublicFunction {
  /** `.`, `./metrics` */
  subpath: string;
  /** `mpjpeMm`, `PoseLifter.load`, `PoseLifter#lift` */
  name: string;
  parameters: PublicParameter[];
  declaration: ts.SignatureDeclaration;
}

/** The source files of package.json's exports, by subpath. */
export function publicEntries(): Map<string, string> {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const entries = Object.entries(exports as Record<string, { default?: string }>).filter(([, entry]) => entry.default);
  return new Map(
    entries.map(([subpath, entry]) => [
      subpath,
      join(root, entry.default!.replace('/dist/', '/lib/').replace(/\.js$/, '.ts')),
    ]),
  );
}

function kindsOf(type: ts.Type, checker: ts.TypeChecker): string[] {
  if (type.isUnion()) return type.types.flatMap((part) => kindsOf(part, checker));
  const { flags } = type;
  if (flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown | ts.TypeFlags.TypeParameter)) return ['any'];
  if (flags & ts.TypeFlags.StringLike) return ['text'];
  if (flags & ts.TypeFlags.NumberLike) return ['number'];
  if (flags & ts.TypeFlags.BooleanLike) return ['boolean'];
  if (flags & ts.TypeFlags.Null) return ['null'];
  if (flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void)) return [];
  if (type.getCallSignatures().length > 0) return ['function'];
  if (checker.isArrayType(type) || checker.isTupleType(type)) return ['list'];
  const name = type.getSymbol()?.name ?? '';
  if (/^((Big)?(Ui|I)nt(8|16|32|64)(Clamped)?|Float(32|64))Array$|^Map$|^URL$|^AbortSignal$/.test(name)) return [name];
  if (name === 'ArrayLike') return ['numbers'];
  if (name === 'ReadonlyMap') return ['Map'];
  if (name === 'Iterable' || name === 'AsyncIterable') return ['list', 'object'];
  return ['object'];
}

function parametersOf(declaration: ts.SignatureDeclaration, checker: ts.TypeChecker): PublicParameter[] {
  return declaration.parameters.map((parameter) => {
    const type = checker.getTypeAtLocation(parameter);
    const kinds = [...new Set(kindsOf(type, checker))];
    const optional = checker.isOptionalParameter(parameter) || parameter.initializer !== undefined;
    const kind = kinds.includes('any') ? 'any' : kinds.sort().join('|') + (optional ? '?' : '');
    return { name: parameter.name.getText(), kind, fields: kinds.includes('object') ? fieldsOf(type, checker) : [] };
  });
}

/** The fields that an object of this project's own types has. */
function fieldsOf(type: ts.Type, checker: ts.TypeChecker): PublicParameter[] {
  const parts = type.isUnion() ? type.types : [type];
  return parts
    .filter((part) => kindsOf(part, checker).includes('object') && part.getCallSignatures().length === 0)
    .flatMap((part) => checker.getPropertiesOfType(part))
    .filter(({ declarations }) => declarations?.every((one) => !one.getSourceFile().fileName.includes('node_modules')))
    .filter(({ flags }) => !(flags & ts.SymbolFlags.Method))
    .map((field) => {
      const kinds = [...new Set(kindsOf(checker.getTypeOfSymbol(field), checker))];
      const kind = kinds.includes('any') ? 'any' : kinds.sort().join('|');
      return { name: field.name, kind: kind + (field.flags & ts.SymbolFlags.Optional ? '?' : ''), fields: [] };
    });
}

const withBody = (declarations: readonly ts.Declaration[] | undefined) =>
  declarations?.find((one): one is ts.FunctionDeclaration => ts.isFunctionLike(one) && 'body' in one && !!one.body);

/** Every public function and method, by the types of `lib`. */
export function publicFunctions(): PublicFunction[] {
  const entries = publicEntries();
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const program = ts.createProgram([...entries.values()], { ...options, noEmit: true });
  const checker = program.getTypeChecker();
  const found: PublicFunction[] = [];
  for (const [subpath, file] of entries) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(file)!)!;
    for (const exported of checker.getExportsOfModule(module)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      const add = (name: string, declarations: readonly ts.Declaration[] | undefined) => {
        const declaration = withBody(declarations);
        if (!declaration) return;
        found.push({ subpath, name, parameters: parametersOf(declaration, checker), declaration });
      };
      if (symbol.flags & ts.SymbolFlags.Function) add(exported.name, symbol.declarations);
      if (symbol.flags & ts.SymbolFlags.Variable) {
        const [signature] = checker.getTypeOfSymbol(symbol).getCallSignatures();
        if (signature?.declaration) {
          found.push({
            ...{ subpath, name: exported.name },
            parameters: parametersOf(signature.declaration as ts.SignatureDeclaration, checker),
            declaration: signature.declaration as ts.SignatureDeclaration,
          });
        }
      }
      if (!(symbol.flags & ts.SymbolFlags.Class)) continue;
      const type = checker.getDeclaredTypeOfSymbol(symbol);
      for (const method of checker.getPropertiesOfType(type)) {
        const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
        const [first] = method.declarations ?? [];
        if (/^(__)?#/.test(method.name) || !first || ts.getCombinedModifierFlags(first) & hidden) continue;
        add(`${exported.name}#${method.name}`, method.declarations);
      }
      for (const method of symbol.exports?.values() ?? []) add(`${exported.name}.${method.name}`, method.declarations);
    }
  }
  return found;
}
