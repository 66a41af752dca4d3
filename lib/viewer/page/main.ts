import { hasPath, prepareControls } from './controls.js';
import { byId, choices, make } from './dom.js';
import { listenToKeys } from './keyboard.js';
import { describe } from './panels/about-panel.js';
import { InsidePanel } from './panels/inside-panel.js';
import { Player } from './player.js';
import { shortcutsOf } from './shortcuts.js';
import { type LoadedScene, loadScene } from './source.js';
import { Theme } from './theme.js';
import { ImageView } from './views/image-view.js';
import { css, type Look, type Palette, readPalette } from './views/look.js';
import { SpaceView, type ViewName } from './views/space-view.js';
import { drawTrack, meanError } from './views/track-view.js';

/** Times of the last updates, milliseconds. */
const remembered = 240;

class Page {
  readonly #scene: LoadedScene;
  readonly #player: Player;
  readonly #look: Look;
  readonly #image: ImageView | undefined;
  readonly #space: SpaceView | undefined;
  readonly #inside: InsidePanel | undefined;
  readonly #theme: Theme;
  readonly #costs: number[] = [];
  #palette: Palette;
  #due = false;
  #painted = false;
  #shown = -1;
  #second = { start: 0, pictures: 0, rate: 0 };

  constructor(scene: LoadedScene) {
    this.#scene = scene;
    const [first] = scene.results;
    const measured = scene.results.flatMap(({ people }) => people).filter(({ aligned }) => aligned);
    this.#look = {
      ...{ colour: measured.length > 0 ? 'error' : 'side', error: measured[0]?.rooted ? 'rooted' : 'aligned' },
      ...{ trails: true, ground: true, upright: (first.upright?.degrees ?? 0) < 40, truth: true },
      follow: hasPath(scene) && scene.results.every(({ people }) => people.length === 1),
      ...{ arrangement: 'split', fit: first.people.length > 1 ? 'image' : 'person', person: 0 },
    };
    this.#theme = new Theme(() => this.#repaint());
    this.#palette = readPalette();
    this.#player = new Player(scene.frames, scene.fps, () => this.#wake());
    const withImage = first.people.some(({ keypoints }) => keypoints);
    byId('image').hidden = !withImage;
    document.querySelector('main')?.classList.toggle('no-image', !withImage);
    if (withImage) this.#image = new ImageView(byId<HTMLCanvasElement>('image-canvas'), first, scene.fps);
    this.#space = this.#makeSpace();
    if (scene.model) this.#inside = new InsidePanel(scene.model);
    describe(scene);
    prepareControls(scene, measured.length > 0, (person) => this.#set({ person }));
    this.#listen();
    new ResizeObserver(() => this.#repaint()).observe(byId('track-canvas').parentElement!);
    for (const canvas of ['image-canvas', 'space-canvas'])
      new ResizeObserver(() => this.#wake(true)).observe(byId(canvas));
    this.#space?.arrange(this.#look);
    this.#space?.view('start', false);
    this.#repaint();
  }

  #makeSpace(): SpaceView | undefined {
    try {
      return new SpaceView(byId<HTMLCanvasElement>('space-canvas'), this.#scene, () => this.#wake(true));
    } catch {
      byId('no-webgl').hidden = false;
      return undefined;
    }
  }

  #listen(): void {
    const player = this.#player;
    byId('play').addEventListener('click', () => player.toggle());
    byId('previous').addEventListener('click', () => player.step(-1));
    byId('next').addEventListener('click', () => player.step(1));
    byId('loop').addEventListener('click', () => this.#repeat());
    byId<HTMLInputElement>('scrub').addEventListener('input', (event) =>
      player.seek((event.target as HTMLInputElement).valueAsNumber),
    );
    byId<HTMLSelectElement>('speed').addEventListener('change', (event) => {
      player.speed = Number((event.target as HTMLSelectElement).value);
    });
    for (const name of ['trails', 'upright', 'follow', 'truth'] as const) {
      byId(name).addEventListener('click', () => this.#set({ [name]: !this.#look[name] }));
    }
    byId('grid').addEventListener('click', () => this.#set({ ground: !this.#look.ground }));
    for (const name of ['about', 'inside'] as const) {
      byId(`${name}-toggle`).addEventListener('click', () => this.#panel(name));
    }
    this.#choices.fit = choices('fit', (fit) => this.#set({ fit: fit as Look['fit'] }));
    this.#choices.colour = choices('colour', (colour) => this.#set({ colour: colour as Look['colour'] }));
    this.#choices.error = choices('error', (error) => this.#set({ error: error as Look['error'] }));
    this.#choices.arrangement = choices('arrangement', (way) => this.#set({ arrangement: way as Look['arrangement'] }));
    choices('view', (name) => this.#view(name as ViewName));
    this.#keys();
  }

  readonly #choices: Partial<Record<'fit' | 'colour' | 'error' | 'arrangement', (value: string) => void>> = {};

  #keys(): void {
    const people = this.#scene.results[0].people.length;
    const shortcuts = shortcutsOf({
      player: this.#player,
      person: (by) => this.#set({ person: (this.#look.person + people + by) % people }),
      view: (name) => this.#view(name),
      turn: (aside, up) => this.#space?.turn(aside, up),
      closer: (factor) => this.#space?.closer(factor),
      repeat: () => this.#repeat(),
      fit: () => this.#set({ fit: this.#look.fit === 'image' ? 'person' : 'image' }),
      stats: () => this.#stats(),
      theme: () => this.#theme.toggle(),
    });
    listenToKeys(shortcuts);
  }

  #view(name: ViewName): void {
    this.#space?.view(name, !matchMedia('(prefers-reduced-motion: reduce)').matches);
    this.#wake(true);
  }

  #repeat(): void {
    this.#player.repeat = !this.#player.repeat;
    byId('loop').setAttribute('aria-pressed', String(this.#player.repeat));
  }

  #panel(name: 'about' | 'inside'): void {
    const open = byId(name).hidden;
    for (const one of ['about', 'inside'] as const) {
      const shown = one === name && open;
      byId(one).hidden = !shown;
      byId(`${one}-toggle`).setAttribute('aria-expanded', String(shown));
    }
    this.#wake(true);
  }

  #stats(): void {
    byId('stats').hidden = !byId('stats').hidden;
    this.#wake(true);
  }

  #set(change: Partial<Look>): void {
    Object.assign(this.#look, change);
    const other = 'upright' in change || 'follow' in change;
    if (other || 'person' in change) this.#space?.arrange(this.#look);
    if (other) this.#space?.view('start', false);
    this.#repaint();
  }

  /** After a change of how things look: colours anew, then the picture. */
  #repaint(): void {
    this.#painted = false;
    this.#wake(true);
  }

  #wake(anew = false): void {
    if (anew) this.#shown = -1;
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame((now) => {
      this.#due = false;
      this.#player.tick(now);
      const start = performance.now();
      const more = this.#picture();
      this.#note(now, performance.now() - start);
      if (this.#player.playing || more) this.#wake(more);
    });
  }

  /** Updates everything to the current frame and submits the 3D picture. */
  #picture(): boolean {
    const { frame } = this.#player;
    const look = this.#look;
    const painted = this.#painted;
    if (!painted) this.#paint();
    this.#readings(frame);
    if (frame === this.#shown) return false;
    if (painted && look.colour === 'error') this.#space?.paint(frame, look, this.#palette);
    this.#shown = frame;
    this.#space?.move(frame, look);
    this.#image?.draw(frame, look, this.#palette);
    const turning = this.#space?.draw(look) ?? false;
    if (!byId('inside').hidden) this.#inside?.show(look.person, frame);
    return turning;
  }

  #paint(): void {
    const look = this.#look;
    this.#palette = readPalette();
    this.#painted = true;
    this.#space?.paint(this.#player.frame, look, this.#palette);
    drawTrack(byId<HTMLCanvasElement>('track-canvas'), this.#scene, look, this.#palette);
    this.#inside?.paint(this.#palette);
    this.#choices.fit?.(look.fit);
    this.#choices.colour?.(look.colour);
    this.#choices.error?.(look.error);
    this.#choices.arrangement?.(look.arrangement);
    for (const [id, on] of [
      ['trails', look.trails],
      ['grid', look.ground],
      ['upright', look.upright],
      ['follow', look.follow],
      ['truth', look.truth],
    ] as const) {
      byId(id).setAttribute('aria-pressed', String(on));
    }
    byId('legend').hidden = look.colour !== 'error';
    const { people } = this.#scene.results[0];
    for (const [index, button] of [...byId('people').children].entries()) {
      button.setAttribute('aria-pressed', String(index === look.person));
      (button.firstElementChild as HTMLElement).style.background = css(
        this.#palette.people[index % this.#palette.people.length],
      );
    }
    byId('space-caption').textContent = people.length > 1 ? people[look.person].name : '';
    this.#nameResults();
  }

  #nameResults(): void {
    const { results } = this.#scene;
    if (results.length < 2) return;
    const overlay = this.#look.arrangement === 'overlay';
    byId('names').replaceChildren(
      ...results.map(({ name }, index) => {
        const label = make('span');
        const dot = make('i');
        dot.style.background = css(overlay && index === 1 ? this.#palette.second : this.#palette.accent);
        label.append(dot, name);
        return label;
      }),
    );
  }

  /** The numbers beside the scrubber. */
  #readings(frame: number): void {
    const { seconds, duration, playing, speed } = this.#player;
    const { frames, frameNames, results } = this.#scene;
    byId('time').textContent = clock(seconds);
    byId('frame').textContent = `${frame} of ${frames - 1}`;
    byId('frame').title = frameNames?.[frame] ?? '';
    const scrub = byId<HTMLInputElement>('scrub');
    scrub.value = String(frame);
    scrub.setAttribute(
      'aria-valuetext',
      `Frame ${frame} of ${frames - 1}, ${seconds.toFixed(2)} of ${duration.toFixed(2)} seconds`,
    );
    const play = byId('play');
    if (play.ariaLabel !== (playing ? 'Pause' : 'Play')) {
      play.ariaLabel = playing ? 'Pause' : 'Play';
      play.querySelector('use')?.setAttribute('href', playing ? '#icon-pause' : '#icon-play');
    }
    byId<HTMLSelectElement>('speed').value = String(speed);
    const { people } = results[0];
    for (const [index, button] of [...byId('people').children].entries()) {
      button.toggleAttribute('data-absent', people[index].state[frame] === 2);
    }
    if (this.#look.colour === 'error') {
      const errors = results.map((result) => {
        const person = result.people[Math.min(this.#look.person, result.people.length - 1)];
        const error = meanError(person, this.#look, frame, frame + 1);
        return Number.isNaN(error) ? '\u2013' : error.toFixed(0);
      });
      byId('error-now').textContent = `This frame: ${errors.join(' and ')} mm`;
    }
  }

  /** Remembers what an update took, and says it where that is asked for. */
  #note(now: number, cost: number): void {
    this.#costs.push(cost);
    if (this.#costs.length > remembered) this.#costs.shift();
    const second = this.#second;
    second.pictures++;
    if (now - second.start >= 1000) {
      second.rate = (second.pictures * 1000) / (now - second.start);
      Object.assign(second, { start: now, pictures: 0 });
    }
    const stats = byId('stats');
    if (stats.hidden) return;
    const median = [...this.#costs].sort((a, b) => a - b)[this.#costs.length >> 1];
    if (!this.#player.playing) second.start = 0;
    stats.textContent = `${this.#player.playing ? `${second.rate.toFixed(0)} pictures a second` : 'Paused'}, ${median.toFixed(2)} ms a picture (median of ${this.#costs.length})`;
  }
}

/** "1:02.38" */
function clock(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - minutes * 60).toFixed(2).padStart(5, '0')}`;
}

try {
  new Page(await loadScene());
  // Tells whoever waits (tests, for one) that everything is there and the first picture is asked for.
  requestAnimationFrame(() => requestAnimationFrame(() => performance.mark('pstmo-ready')));
} catch (error) {
  const failure = byId('failure');
  failure.textContent = (error as Error).message;
  failure.hidden = false;
}
