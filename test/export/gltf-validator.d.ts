/** The part of Khronos's validator, which has no types of its own, that the tests use. */
declare module 'gltf-validator' {
  export function validateBytes(bytes: Uint8Array): Promise<{
    issues: { messages: { code: string; message: string; severity: number }[] };
    info: Record<string, unknown> & { totalTriangleCount: number };
  }>;
}
