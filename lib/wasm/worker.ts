/** A worker thread's program: one instance of the module, and the calls that come as messages. */
import { parentPort, workerData } from 'node:worker_threads';
import { WasmInstance } from './instance.js';
import type { WasmModule } from './webassembly.js';

/** A call for the worker. */
export interface Task {
  id: number;
  request: Uint8Array<ArrayBuffer>;
  /** A file that the call reads, by its descriptor. */
  file?: { descriptor: number; bytes: Uint8Array };
}

/** The worker's reply. */
export interface Reply {
  id: number;
  /** Missing where the memory did not suffice. */
  answer?: Uint8Array<ArrayBuffer> | undefined;
  /** An error that is none of the native code: the module's end. */
  failure?: string;
  memoryBytes: number;
}

const instance = new WasmInstance(workerData as WasmModule);
const port = parentPort!;

port.on('message', ({ id, request, file }: Task) => {
  if (file !== undefined) instance.files.set(file.descriptor, file.bytes);
  let reply: Reply;
  try {
    const answer = instance.run(request);
    reply = { id, answer, memoryBytes: instance.memoryBytes };
  } catch (error) {
    reply = { id, failure: String(error), memoryBytes: instance.memoryBytes };
  }
  if (file !== undefined) instance.files.delete(file.descriptor);
  port.postMessage(reply, reply.answer === undefined ? [] : [reply.answer.buffer]);
});
