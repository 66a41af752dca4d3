/** A compiled module; worker threads take it as it is. */
export type WasmModule = object;

/** What is used of the platform's WebAssembly: the types of Node leave it to those of browsers. */
interface Platform {
  Module: {
    new (bytes: Uint8Array): WasmModule;
    imports(module: WasmModule): { module: string; name: string }[];
  };
  Instance: new (module: WasmModule, imports: Record<string, Record<string, unknown>>) => { exports: unknown };
}

export const { Module, Instance } = (globalThis as unknown as { WebAssembly: Platform }).WebAssembly;
