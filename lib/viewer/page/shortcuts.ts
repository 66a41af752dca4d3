import { byId } from './dom.js';
import type { Shortcut } from './keyboard.js';
import type { Player } from './player.js';
import type { ViewName } from './views/space-view.js';

/** What keys can do. */
export interface KeyActions {
  player: Player;
  /** Another person, so many further. */
  person(by: number): void;
  view(name: ViewName): void;
  /** Degrees. */
  turn(aside: number, up: number): void;
  closer(factor: number): void;
  repeat(): void;
  fit(): void;
  stats(): void;
  theme(): void;
}

/** Every key of the page. */
export function shortcutsOf(act: KeyActions): Shortcut[] {
  const press = (id: string) => () => {
    if (!byId(id).hidden) byId(id).click();
  };
  return [
    { keys: [' '], shown: ['space'], text: 'Play or pause', run: () => act.player.toggle() },
    {
      keys: ['ArrowLeft', 'ArrowRight'],
      shown: ['\u2190', '\u2192'],
      text: 'One frame back or on; with shift, ten',
      run: (key) => act.player.step((key.endsWith('Left') ? -1 : 1) * (key.startsWith('Shift') ? 10 : 1)),
    },
    {
      keys: ['ArrowUp', 'ArrowDown'],
      shown: ['\u2191', '\u2193'],
      text: 'The person before, the person after',
      run: (key) => act.person(key.endsWith('Up') ? -1 : 1),
    },
    {
      keys: ['Home', 'End'],
      shown: ['Home', 'End'],
      text: 'First frame, last frame',
      run: (key) => act.player.seek(key === 'Home' ? 0 : act.player.frames - 1),
    },
    {
      keys: ['+', '=', '-'],
      shown: ['+', '\u2212'],
      text: 'Faster, slower',
      run: (key) => act.player.faster(key === '-' ? -1 : 1),
    },
    { keys: ['l'], shown: ['L'], text: 'Repeat', run: () => act.repeat() },
    {
      keys: ['w', 'a', 's', 'd'],
      shown: ['W', 'A', 'S', 'D'],
      text: 'Orbit',
      run: (key) =>
        act.turn(
          ({ a: -6, d: 6 } as Record<string, number>)[key] ?? 0,
          ({ w: 4, s: -4 } as Record<string, number>)[key] ?? 0,
        ),
    },
    {
      keys: ['e', 'q'],
      shown: ['E', 'Q'],
      text: 'Closer, further away',
      run: (key) => act.closer(key === 'e' ? 1.12 : 1 / 1.12),
    },
    {
      keys: ['1', '2', '3', '0'],
      shown: ['1', '2', '3', '0'],
      text: 'From the camera, the side, above; as at the start',
      run: (key) => act.view((['start', 'front', 'side', 'top'] as const)[Number(key)]),
    },
    { keys: ['t'], shown: ['T'], text: 'Trails of hands and feet', run: press('trails') },
    { keys: ['g'], shown: ['G'], text: 'Ground', run: press('grid') },
    { keys: ['u'], shown: ['U'], text: 'Upright', run: press('upright') },
    { keys: ['c'], shown: ['C'], text: 'Follow the person', run: press('follow') },
    { keys: ['r'], shown: ['R'], text: 'Truth', run: press('truth') },
    {
      keys: ['z'],
      shown: ['Z'],
      text: 'The whole image, or the person',
      run: () => act.fit(),
    },
    { keys: ['m'], shown: ['M'], text: 'Inside the model', run: press('inside-toggle') },
    { keys: ['i'], shown: ['I'], text: 'About what is shown', run: press('about-toggle') },
    { keys: ['f'], shown: ['F'], text: 'Frame rate', run: () => act.stats() },
    { keys: ['n'], shown: ['N'], text: 'Dark or light', run: () => act.theme() },
    { keys: ['?', 'h'], shown: ['?'], text: 'This help', run: () => byId('help-open').click() },
  ];
}
