/** What `stat` tells of a path. */
interface Status {
  isDirectory(): boolean;
  isFIFO(): boolean;
  isSocket(): boolean;
}

/** What a path that is no file is, for messages. */
export function fileKind(status: Status): string {
  if (status.isDirectory()) return 'a folder';
  if (status.isFIFO()) return 'a pipe; write what comes out of it to a file';
  return status.isSocket() ? 'a socket' : 'a device';
}
