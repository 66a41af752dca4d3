import { byId, make } from './dom.js';
import { speeds } from './player.js';
import type { LoadedScene } from './source.js';
import { css, errorColour, mostError } from './views/look.js';

/** Whether somebody goes anywhere. */
export function hasPath({ results }: LoadedScene): boolean {
  return results.some(({ root }) => root === 'estimated');
}

/** Fills in what depends on the scene alone: which buttons there are, and how far the scrubber goes. */
export function prepareControls(scene: LoadedScene, measured: boolean, choosePerson: (person: number) => void): void {
  const { results, frames, model } = scene;
  const [first] = results;
  const { image, people } = first;
  byId('image-caption').textContent = people[0].keypointSkeleton
    ? `${people[0].keypointSkeleton.joints.length} keypoints`
    : '';
  byId('image-canvas').ariaLabel += image ? `, image of ${image.width} by ${image.height} pixels` : '';
  byId<HTMLInputElement>('scrub').max = String(frames - 1);
  byId('arrangement').hidden = results.length < 2;
  byId('truth').hidden = !measured;
  byId('upright').hidden = !results.some(({ upright }) => upright);
  byId('follow').hidden = !hasPath(scene);
  byId('inside-toggle').hidden = model === undefined;
  for (const button of document.querySelectorAll<HTMLElement>('button[data-colour="error"]')) button.hidden = !measured;
  for (const button of document.querySelectorAll<HTMLElement>('button[data-colour="person"]'))
    button.hidden = people.length < 2;
  byId('colouring').hidden = !measured && people.length < 2;
  const rooted = people.some((person) => person.rooted);
  for (const button of document.querySelectorAll<HTMLElement>('button[data-error="rooted"]')) button.hidden = !rooted;
  byId<HTMLSelectElement>('speed').append(
    ...speeds.map((speed) => {
      const option = make('option', `${speed}\u00d7`);
      option.value = String(speed);
      return option;
    }),
  );
  if (people.length > 1) {
    byId('people').append(
      ...people.map(({ name }, index) => {
        const button = make('button');
        button.type = 'button';
        button.append(make('i'), name);
        button.addEventListener('click', () => choosePerson(index));
        return button;
      }),
    );
  }
  const ramp = byId<HTMLCanvasElement>('ramp').getContext('2d')!;
  for (let x = 0; x < 120; x++) {
    ramp.fillStyle = css(errorColour((x / 119) * mostError));
    ramp.fillRect(x, 0, 1, 1);
  }
}
