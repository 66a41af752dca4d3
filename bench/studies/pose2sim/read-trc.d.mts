/** `points`: (T, markers, 3), metres. */
export function readTrc(path: string): { fps: number; frames: number; names: string[]; points: Float32Array };
