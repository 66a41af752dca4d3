import type { ByteSource } from '../../formats/bytes/byte-source.js';

/** Bytes of a long text that are decoded at a time. */
const pieceBytes = 1 << 20;

/** A file's text: UTF-8, or UTF-16 by its mark or by the zeros that it has between letters. */
export function decodeText(bytes: Uint8Array): string {
  return new TextDecoder(encodingOf(bytes)).decode(bytes);
}

/** A text's lines, decoded piece by piece each time somebody goes through them: V8's strings end at 512 MB. */
export function linesIn({ size, read }: ByteSource, piece = pieceBytes): Iterable<string> {
  return {
    *[Symbol.iterator]() {
      const decoder = new TextDecoder(encodingOf(read(0, Math.min(4, size))));
      let rest = '';
      for (let at = 0; at < size; at += piece) {
        const text = rest + decoder.decode(read(at, Math.min(piece, size - at)), { stream: true });
        // A carriage return may be half of a line's end.
        const whole = text.endsWith('\r') ? text.length - 1 : text.length;
        const lines = text.slice(0, whole).split(lineEnd);
        rest = lines.pop()! + text.slice(whole);
        yield* lines;
      }
      yield* (rest + decoder.decode()).split(lineEnd);
    },
  };
}

/** What ends a line. */
export const lineEnd = /\r\n?|\n/;

/** Whether a file's first bytes are those of text in UTF-16. */
function encodingOf(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first !== 0 && second === 0 && bytes[3] === 0)) return 'utf-16le';
  if ((first === 0xfe && second === 0xff) || (first === 0 && second !== 0 && bytes[2] === 0)) return 'utf-16be';
  return 'utf-8';
}
