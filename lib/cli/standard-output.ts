/** Where a command prints: a standard stream of the process. */
type Stream = Pick<NodeJS.WriteStream, 'write' | 'on'>;

/**
 * Writes to a standard stream for as long as it takes anything. A reader that closes its pipe early (`pstmo lift ... |
 * head -1`) stops the printing, not the work. `failed` is told of any other fault, such as a full disk.
 */
export function printTo(stream: Stream, failed: (error: NodeJS.ErrnoException) => void): (text: string) => void {
  let open = true;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (open && error.code !== 'EPIPE') failed(error);
    open = false;
  });
  return (text) => {
    if (open) stream.write(text);
  };
}
