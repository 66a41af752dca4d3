import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ARRAY_TYPES = ['Float32Array', 'Int32Array', 'Uint8Array', 'Uint16Array'];
/** Shared with native code on purpose. */
const SHARED_TYPES = ['JobControl'];

/** Where arrays stand in the arguments of each call, as `0.keypoints`; `*` stands for every name. */
export function declaredArrays(): Map<string, string[]> {
  const path = fileURLToPath(new URL('../../binding.d.ts', import.meta.url));
  const source = ts.createSourceFile('binding.d.ts', ts.sys.readFile(path)!, ts.ScriptTarget.Latest);
  const types = new Map<string, ts.TypeNode | ts.InterfaceDeclaration>();
  for (const statement of source.statements) {
    if (ts.isInterfaceDeclaration(statement)) types.set(statement.name.text, statement);
    if (ts.isTypeAliasDeclaration(statement)) types.set(statement.name.text, statement.type);
  }
  const within = (type: ts.Node | undefined, at: string): string[] => {
    if (type === undefined) return [];
    if (ts.isTypeReferenceNode(type)) {
      const name = type.typeName.getText(source);
      if (ARRAY_TYPES.includes(name)) return [at];
      return SHARED_TYPES.includes(name) ? [] : within(types.get(name), at);
    }
    if (ts.isUnionTypeNode(type)) return type.types.flatMap((one) => within(one, at));
    if (ts.isTypeOperatorNode(type)) return within(type.type, at);
    if (ts.isArrayTypeNode(type)) return within(type.elementType, `${at}.*`);
    if (!ts.isInterfaceDeclaration(type) && !ts.isTypeLiteralNode(type)) return [];
    return type.members.flatMap((member) => {
      if (ts.isIndexSignatureDeclaration(member)) return within(member.type, `${at}.*`);
      return ts.isPropertySignature(member) ? within(member.type, `${at}.${member.name.getText(source)}`) : [];
    });
  };
  const found = new Map<string, string[]>();
  const add = (name: string, parameters: readonly ts.ParameterDeclaration[]) => {
    const places = parameters.flatMap(({ type }, index) => within(type, String(index)));
    if (places.length > 0) found.set(name, [...new Set(places)]);
  };
  for (const statement of source.statements) {
    if (ts.isFunctionDeclaration(statement)) add(statement.name!.text, statement.parameters);
    if (!ts.isClassDeclaration(statement)) continue;
    for (const member of statement.members) {
      if (ts.isMethodDeclaration(member)) add((member.name as ts.Identifier).text, member.parameters);
      if (ts.isConstructorDeclaration(member)) add(`new ${statement.name!.text}`, member.parameters);
    }
  }
  return found;
}
