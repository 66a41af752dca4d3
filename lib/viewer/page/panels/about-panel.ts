import { byId, make } from '../dom.js';
import type { LoadedScene } from '../source.js';

/** Says what is shown, in one line at the top and in full in a panel. */
export function describe(scene: LoadedScene): void {
  const { results, frames, fps, fpsKnown, model } = scene;
  const names = results.map(({ name }) => name);
  const [first] = results;
  byId('title').textContent = names.join('  \u2194  ');
  const facts = [`${frames.toLocaleString('en')} frames`, fpsKnown ? `${rounded(fps)} a second` : 'frame rate unknown'];
  if (first.people.length > 1) facts.push(`${first.people.length} people`);
  if (first.image) facts.push(`${first.image.width} \u00d7 ${first.image.height}`);
  byId('facts').textContent = facts.join('  \u00b7  ');
  const rows: [string, string][] = [
    [
      'Length',
      `${frames.toLocaleString('en')} frames, ${rounded(frames / fps)} s${fpsKnown ? '' : ' if there are 30 a second'}`,
    ],
  ];
  for (const { name, notes, root, people, upright } of results) {
    rows.push(['Result', name]);
    for (const { name: person, skeleton, error } of people) {
      const rooted = error?.rooted === undefined ? '' : `MPJPE ${error.rooted.toFixed(1)} mm, `;
      const measured = error ? `: ${rooted}P-MPJPE ${error.aligned.toFixed(1)} mm` : '';
      rows.push([person, `${skeleton.joints.length} joints${measured}`]);
    }
    for (const note of notes) rows.push(['', note]);
    if (root === 'relative') {
      const aside = people.length > 1 ? ' They are put beside each other.' : '';
      rows.push(['Place in the room', `Not known: the root joint stays at one place.${aside}`]);
    } else rows.push(['Place in the room', 'As the file has it.']);
    if (upright) {
      rows.push(['Upright', `Turned by ${upright.degrees.toFixed(1)}\u00b0, as people stand with straight legs.`]);
    }
  }
  if (model) {
    rows.push(['Model', `${model.name}, Stage ${model.stage}, window of ${model.window} frames, ${model.heads} heads`]);
  }
  byId('about-list').append(...rows.flatMap(([term, text]) => [...(term ? [make('dt', term)] : []), make('dd', text)]));
}

function rounded(value: number): string {
  return String(Number(value.toFixed(2)));
}
