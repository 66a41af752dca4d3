/** Lists and objects within each other: files that a program writes have ten or so; functions that go into each need the stack. */
export const DEEPEST = 500;

const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];
const [quote, backslash] = [0x22, 0x5c];

/** `JSON.parse`, which also throws `SyntaxError` where lists and objects stand deeper in each other than {@link DEEPEST}. */
export function parseJsonText(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (isDeep(text)) throw new SyntaxError(tooDeep);
  return value;
}

/** What a message says of such a text. */
export const tooDeep = `lists and objects in each other more than ${DEEPEST} deep`;

/** Whether a text that is JSON has more levels. */
function isDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at);
    else if (code === openList || code === openObject) {
      depth++;
      if (depth > DEEPEST) return true;
    } else if (code === closeList || code === closeObject) depth--;
  }
  return false;
}

/** Where the string ends that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text.charCodeAt(before) === backslash) before--;
    if ((end - before) % 2 === 1) return end;
  }
  return text.length;
}
