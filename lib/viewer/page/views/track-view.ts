import { sharpen } from '../dom.js';
import type { LoadedScene, Person } from '../source.js';
import { css, errorColour, type Look, mostError, type Palette } from './look.js';

/**
 * What lies under the scrubber: the error through time where it is known, else when each person is there. Frames that were filled in
 * are marked in amber.
 */
export function drawTrack(canvas: HTMLCanvasElement, scene: LoadedScene, look: Look, palette: Palette): void {
  const { context, width, height } = sharpen(canvas);
  context.clearRect(0, 0, width, height);
  context.fillStyle = css(palette.raised);
  context.beginPath();
  context.roundRect(0, 0, width, height, 8);
  context.fill();
  context.save();
  context.clip();
  const measured = scene.results.map(({ people }) => people[Math.min(look.person, people.length - 1)]);
  const columns = Math.max(1, Math.floor(width));
  const framesOf = (column: number): [number, number] => {
    const first = Math.floor((column * scene.frames) / columns);
    return [first, Math.max(first + 1, Math.floor(((column + 1) * scene.frames) / columns))];
  };
  if (measured.some((person) => person.aligned)) {
    drawErrors(context, measured, look, palette, columns, height, framesOf);
  } else {
    drawPresence(context, scene, look, palette, columns, height, framesOf);
  }
  context.fillStyle = css(palette.warning);
  for (let column = 0; column < columns; column++) {
    const [first, last] = framesOf(column);
    const { state } = measured[0];
    for (let frame = first; frame < last; frame++) {
      if (state[frame] === 1) {
        context.fillRect(column, height - 4, 1, 4);
        break;
      }
    }
  }
  context.restore();
}

type FramesOf = (column: number) => [number, number];

/** A column of colour a pixel, as high as the mean error of its frames; of a second result, a line. */
function drawErrors(
  context: CanvasRenderingContext2D,
  people: readonly Person[],
  look: Look,
  palette: Palette,
  columns: number,
  height: number,
  framesOf: FramesOf,
): void {
  for (const [index, person] of people.entries()) {
    context.beginPath();
    for (let column = 0; column < columns; column++) {
      const error = meanError(person, look, ...framesOf(column));
      if (Number.isNaN(error)) continue;
      const top = height - 3 - Math.min(1, error / mostError) * (height - 8);
      if (index === 0) {
        context.fillStyle = css(errorColour(error), 0.75);
        context.fillRect(column, top, 1, height - top);
      } else context.lineTo(column, top);
    }
    context.strokeStyle = css(palette.second);
    context.lineWidth = 2;
    context.stroke();
  }
}

/** Mean over the joints of some frames, millimetres; NaN where nothing is known. */
export function meanError(person: Person, look: Look, first: number, last: number): number {
  const errors = person[look.error] ?? person.aligned;
  if (!errors) return Number.NaN;
  const joints = person.skeleton.joints.length;
  let [sum, count] = [0, 0];
  for (let at = first * joints; at < last * joints; at++) {
    if (Number.isNaN(errors[at])) continue;
    sum += errors[at];
    count++;
  }
  return sum / count;
}

function drawPresence(
  context: CanvasRenderingContext2D,
  { results }: LoadedScene,
  look: Look,
  palette: Palette,
  columns: number,
  height: number,
  framesOf: FramesOf,
): void {
  const { people } = results[0];
  const room = height - 12;
  const each = room / people.length;
  for (const [index, { state }] of people.entries()) {
    const strong = people.length === 1 ? 0.35 : index === look.person ? 0.85 : 0.35;
    const colour = people.length === 1 ? palette.accent : palette.people[index % palette.people.length];
    context.fillStyle = css(colour, strong);
    const thickness = Math.max(1, Math.min(people.length === 1 ? 6 : each - 2, 6));
    const top = 6 + index * each + (each - thickness) / 2;
    let from = -1;
    for (let column = 0; column <= columns; column++) {
      const there = column < columns && state.subarray(...framesOf(column)).some((value) => value < 2);
      if (there && from < 0) from = column;
      if (!there && from >= 0) {
        context.beginPath();
        context.roundRect(from, top, column - from, thickness, thickness / 2);
        context.fill();
        from = -1;
      }
    }
  }
}
