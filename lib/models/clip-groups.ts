import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import { valueText } from '../base/value-text.js';

/** A clip made ready; `alike` is the same for clips that one call may take together. */
export interface GroupedClip {
  frames: number;
  alike: string;
}

/** Frames of a group: enough that what a call costs besides its frames does not show. */
const GROUP_FRAMES = 4096;

/** True where the promise settles before the event loop turns: nobody is kept waiting for it. */
async function settlesSoon(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  promise.then(settle, settle);
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  return settled;
}

function iteratorOf<Input>(inputs: Iterable<Input> | AsyncIterable<Input>): Iterator<Input> | AsyncIterator<Input> {
  const async = (inputs as AsyncIterable<Input>)[Symbol.asyncIterator];
  const plain = (inputs as Iterable<Input>)[Symbol.iterator];
  if (typeof async === 'function') return async.call(inputs);
  if (typeof plain === 'function') return plain.call(inputs);
  throw new PoseError('ERR_ARGUMENT', `liftMany: inputs: expected something to go through, got ${valueText(inputs)}.`);
}

/**
 * Gathers clips in their order into groups of like ones, some thousand frames each. A group goes out early where the next
 * input is not there yet, and before the error of an input is thrown.
 */
export async function* clipGroups<Input, Clip extends GroupedClip>(
  inputs: Iterable<Input> | AsyncIterable<Input>,
  prepare: (input: Input) => Clip,
): AsyncGenerator<[Clip, ...Clip[]], void, undefined> {
  const iterator = iteratorOf(inputs);
  const next = async () => iterator.next();
  let group: Clip[] = [];
  let frames = 0;
  let exhausted = false;
  const take = (): [Clip, ...Clip[]] => {
    const taken = group as [Clip, ...Clip[]];
    group = [];
    frames = 0;
    return taken;
  };
  try {
    for (;;) {
      const pending = next();
      if (group.length > 0 && !(await settlesSoon(pending))) {
        yield take();
      }
      let clip: Clip;
      try {
        const step = await pending;
        checkArguments('liftMany', { step }, 'object');
        if (step.done) {
          exhausted = true;
          break;
        }
        clip = prepare(step.value);
      } catch (error) {
        if (group.length > 0) {
          yield take();
        }
        throw error;
      }
      if (group.length > 0 && (clip.alike !== group[0].alike || frames + clip.frames > GROUP_FRAMES)) {
        yield take();
      }
      group.push(clip);
      frames += clip.frames;
      if (frames >= GROUP_FRAMES) {
        yield take();
      }
    }
    if (group.length > 0) {
      yield take();
    }
  } finally {
    if (!exhausted) {
      await iterator.return?.();
    }
  }
}
