import { byId } from './dom.js';

const stored = 'pstmo-theme';

/** Dark or light: what was chosen before, else what the system says. `changed` runs at each change. */
export class Theme {
  readonly #system = matchMedia('(prefers-color-scheme: light)');
  #chosen: string | null = remembered();

  constructor(changed: () => void) {
    const apply = () => {
      document.documentElement.dataset.theme = this.#chosen ?? (this.#system.matches ? 'light' : 'dark');
    };
    apply();
    this.#system.addEventListener('change', () => {
      apply();
      changed();
    });
    byId('theme').addEventListener('click', () => this.toggle());
    this.toggle = () => {
      this.#chosen = document.documentElement.dataset.theme === 'light' ? 'dark' : 'light';
      remember(this.#chosen);
      apply();
      changed();
    };
  }

  toggle: () => void;
}

function remembered(): string | null {
  try {
    const found = localStorage.getItem(stored);
    return found === 'light' || found === 'dark' ? found : null;
  } catch {
    // A page opened as a file may have no storage.
    return null;
  }
}

function remember(theme: string): void {
  try {
    localStorage.setItem(stored, theme);
  } catch {
    // As above: then it is chosen anew each time.
  }
}
