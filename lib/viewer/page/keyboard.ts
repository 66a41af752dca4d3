import { byId, make } from './dom.js';

/** A key, or several that do the same, and what it does. */
export interface Shortcut {
  keys: readonly string[];
  /** As the help shows them. */
  shown: readonly string[];
  text: string;
  run: (key: string) => void;
}

/** Listens to the keyboard, but not where someone writes or chooses, and lists the keys in the help. */
export function listenToKeys(shortcuts: readonly Shortcut[]): void {
  const byKey = new Map(shortcuts.flatMap((shortcut) => shortcut.keys.map((key) => [key, shortcut] as const)));
  const help = byId<HTMLDialogElement>('help');
  document.addEventListener('keydown', (event) => {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (target instanceof HTMLSelectElement || (target instanceof HTMLInputElement && target.type !== 'range')) return;
    // The scrubber's own keys.
    if (target instanceof HTMLInputElement && (key === 'ArrowUp' || key === 'ArrowDown')) return;
    // A button that has the focus is pressed by the space bar itself.
    if (key === ' ' && target instanceof HTMLButtonElement) return;
    const found = byKey.get(key.length === 1 ? key.toLowerCase() : key);
    if (!found) return;
    event.preventDefault();
    found.run(event.shiftKey && key.startsWith('Arrow') ? `Shift+${key}` : key.length === 1 ? key.toLowerCase() : key);
  });
  byId('help-open').addEventListener('click', () => help.showModal());
  byId('help-list').append(
    ...shortcuts.flatMap(({ shown, text }) => {
      const term = make('dt');
      for (const [index, key] of shown.entries()) {
        if (index > 0) term.append(' ');
        term.append(make('kbd', key));
      }
      return [term, make('dd', text)];
    }),
  );
}
