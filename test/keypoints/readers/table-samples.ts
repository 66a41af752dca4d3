import { coco17 } from '../../../lib/skeletons/coco.js';
import { cell, csvFields, named, numbersOf, type Sample, table, text, walkers, wide } from './sample-writing.js';
import { inLayout, type Person } from './walking.js';

/** Tables of detections. */
export const tableSamples: readonly Sample[] = [
  {
    ...{ name: "DeepLabCut's table", reader: 'deeplabcut', layout: coco17, frameFields: ['index'], named: true },
    ...{ crowd: false },
    write: (path, clip, writing) => {
      const names = named([...walkers(clip)][0] ?? new Map(), writing).map(([name]) => name);
      const head = [
        ['scorer', ...names.flatMap(() => ['net', 'net', 'net'])],
        ['bodyparts', ...names.flatMap((name) => [name, name, name])],
        ['coords', ...names.flatMap(() => ['x', 'y', 'likelihood'])],
      ];
      const rows = clip.map(([person], index) => [
        numbersOf(clip, writing)[index],
        ...(person
          ? named(person, writing).flatMap(([, point]) => point.map(cell))
          : names.flatMap(() => ['', '', ''])),
      ]);
      return text(path, 'csv', [...head, ...rows].map((row) => row.join(',')).join('\n'));
    },
  },
  {
    ...{ name: "SLEAP's table", reader: 'plain-csv', layout: coco17, frameFields: ['frame_idx'], named: true },
    write: (path, clip, writing) => {
      const head = named([...walkers(clip)][0], writing).flatMap(([name]) => [
        `${name}.x`,
        `${name}.y`,
        `${name}.score`,
      ]);
      const rows = clip.flatMap((frame, index) =>
        frame.map((person, who) => [
          ...[`track_${who}`, numbersOf(clip, writing)[index], 0.8],
          ...named(person, writing).flatMap(([, point]) => point.map(cell)),
        ]),
      );
      const first = ['track', 'frame_idx', 'instance.score', ...head];
      return text(path, 'csv', [first, ...rows].map((row) => row.join(',')).join('\n'));
    },
  },
  ...([',', ';', '\t'] as const).map(
    (by): Sample => ({
      ...{ name: `a table of names, parted by ${JSON.stringify(by)}`, reader: 'plain-csv', layout: coco17 },
      ...{ frameFields: csvFields, timed: true, named: true },
      write: (path, clip, writing) => text(path, 'csv', table(clip, writing, wide(writing), by)),
    }),
  ),
  {
    ...{ name: 'a table of numbers', reader: 'plain-csv', layout: coco17, frameFields: csvFields, timed: true },
    options: { layout: 'coco-17' },
    write: (path, clip, writing) => {
      const columns = (person: Person) =>
        inLayout(person, coco17).flatMap((point, joint) =>
          point.map((value, axis): [string, number | null] => [`${'xyc'[axis]}${joint}`, value]),
        );
      return text(path, 'csv', table(clip, writing, columns));
    },
  },
  {
    ...{ name: 'a table with a row a joint', reader: 'long-csv', layout: coco17, frameFields: csvFields },
    ...{ timed: true, named: true },
    write: (path, clip, writing) => {
      const rows = clip.flatMap((frame, index) =>
        frame.flatMap((person, who) =>
          named(person, writing).map(([name, point]) => [
            numbersOf(clip, writing)[index],
            who,
            name,
            ...point.map(cell),
          ]),
        ),
      );
      const head = [writing.frameField ?? 'frame', 'person_id', 'landmark', 'x', 'y', 'visibility'];
      return text(path, 'csv', [head, ...rows].map((row) => row.join(',')).join('\n'));
    },
  },
  {
    ...{ name: "the project's own table", reader: 'own-text', layout: coco17, frameFields: ['frame'], named: true },
    ...{ crowd: false },
    write: (path, clip, writing) => {
      const columns = (person: Person) =>
        named(person, writing).flatMap(([name, [x, y, sure]]): [string, number | null][] => [
          [`${name}_x_px`, x],
          [`${name}_y_px`, y],
          [`${name}_confidence`, sure],
        ]);
      return text(path, 'csv', table(clip, writing, columns));
    },
  },
];
