/**
 * What a terminal obeys where it should show it: control characters, and marks that turn the order of letters. Line breaks
 * and tabs are among them.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to find
const OBEYED = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

function escaped(character: string): string {
  if (character === '\n') return '\\n';
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** A name or a line as a terminal shows it, with nothing that it obeys; escapes are those of JSON. */
export function shownText(text: string): string {
  return text.replace(OBEYED, escaped);
}

/** The same of several lines: breaks and tabs stay. */
export function shownLines(text: string): string {
  return text.replace(OBEYED, (character) =>
    character === '\n' || character === '\t' ? character : escaped(character),
  );
}
