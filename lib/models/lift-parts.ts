import type { JobControl, LiftRequest, NativeModel } from '../../binding.js';
import { joined } from '../base/tensor.js';
import type { ModelConfig } from '../networks/config.js';
import { skeletonByName } from '../skeletons/skeletons.js';

/**
 * Cuts a lift into at most `parts` lifts of about as many frames each, whose poses end to end are the whole's: contiguous frames of
 * one clip, or whole clips. No part of a clip is shorter than a window, whose frames around it each part sees anew.
 */
export function liftParts(request: LiftRequest, config: ModelConfig, parts: number): LiftRequest[] {
  const { lengths, first, count } = request;
  // The order of shuffled frames depends on their places in a batch.
  if (parts === 1 || request.shuffleSeed !== undefined) return [request];
  if (lengths !== undefined) return clipParts(request, lengths, config, parts);
  const most = Math.max(1, Math.min(parts, Math.floor(count / config.frames)));
  const edge = (part: number) => Math.round((part * count) / most);
  return Array.from({ length: most }, (_, part) => ({
    ...request,
    first: first + edge(part),
    count: edge(part + 1) - edge(part),
  }));
}

function clipParts(request: LiftRequest, lengths: Int32Array, config: ModelConfig, parts: number): LiftRequest[] {
  const row = 2 * skeletonByName(config.inputLayout).joints.length;
  const groups: { start: number; lengths: number[] }[] = [];
  let start = 0;
  for (const length of lengths) {
    // The part in which the clip's middle lies.
    const part = Math.floor(((start + length / 2) / request.count) * parts);
    groups[part] ??= { start, lengths: [] };
    groups[part].lengths.push(length);
    start += length;
  }
  return groups.flat().map((group) => {
    const count = group.lengths.reduce((sum, length) => sum + length, 0);
    const keypoints = request.keypoints.subarray(group.start * row, (group.start + count) * row);
    const several = group.lengths.length > 1 ? Int32Array.from(group.lengths) : undefined;
    return { ...request, keypoints, first: 0, count, lengths: several };
  });
}

/** Lifts each part on a model of its own, at once, and gives the poses end to end. The first failure stops all of them. */
export async function liftOn(
  natives: readonly NativeModel[],
  parts: readonly LiftRequest[],
  control: JobControl,
): Promise<Float32Array> {
  let failure: { error: unknown } | undefined;
  const lifts = parts.map((part, at) =>
    natives[at].lift(part, control).catch((error: unknown) => {
      failure ??= { error };
      Atomics.store(control, 0, 1);
      return new Float32Array();
    }),
  );
  const poses = await Promise.all(lifts);
  if (failure) throw failure.error;
  return poses.length === 1 ? poses[0] : joined(Float32Array, poses);
}
