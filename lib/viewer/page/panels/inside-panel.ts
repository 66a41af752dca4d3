import type { Packed } from '../../packed-arrays.js';
import type { FrameModule, FrameValue, ModelFacts } from '../../scene.js';
import { byId, make } from '../dom.js';
import { loadFrame } from '../source.js';
import type { Palette } from '../views/look.js';
import { drawHeat, heatTable } from './heat-map.js';
import { drawMasked, stripHeight } from './masked-strip.js';

const titles: Record<FrameModule['name'], [string, string]> = {
  tem: ['Temporal encoder (TEM)', 'Frames of the window look at one another.'],
  mofa: ['Many-to-one aggregator (MOFA)', 'Each layer keeps one token in so many, until the middle frame is left.'],
  decoder: ['Decoder', 'Visible frames come first, hidden ones after the line.'],
  joints: ['Spatial encoder', 'Joints of the current frame look at one another.'],
};

interface Chosen {
  module: number;
  layer: number;
  head: number;
}

/** The panel of attention maps, every layer and head, and of masked poses. */
export class InsidePanel {
  readonly #facts: ModelFacts;
  readonly #body = byId('inside-body');
  readonly #caption = byId('inside-caption');
  #table: Uint32Array = new Uint32Array(256);
  #palette: Palette | undefined;
  #loaded: Packed<FrameValue> | undefined;
  #shape = '';
  #chosen: Chosen = { module: 0, layer: 0, head: 0 };
  #seed = 0;
  #wanted: { person: number; frame: number } | undefined;
  #shown = '';
  #busy = false;

  constructor(facts: ModelFacts) {
    this.#facts = facts;
  }

  paint(palette: Palette): void {
    this.#palette = palette;
    this.#table = heatTable(palette);
    if (this.#loaded) this.#fill(this.#loaded);
  }

  /** Shows a frame as soon as the model has looked at it; frames that went by meanwhile are left out. */
  show(person: number, frame: number): void {
    this.#wanted = { person, frame: this.#stored(frame) };
    if (!this.#busy) void this.#load();
  }

  /** In a page of its own, the nearest frame that is in it. */
  #stored(frame: number): number {
    const { stored } = this.#facts;
    if (!stored) return frame;
    return stored.reduce((best, one) => (Math.abs(one - frame) < Math.abs(best - frame) ? one : best), stored[0]);
  }

  async #load(): Promise<void> {
    this.#busy = true;
    while (this.#wanted) {
      const { person, frame } = this.#wanted;
      this.#wanted = undefined;
      const key = `${person}/${frame}/${this.#seed}`;
      if (key === this.#shown) continue;
      try {
        const loaded = await loadFrame(person, frame, this.#seed);
        this.#shown = key;
        if (loaded) this.#fill(loaded);
        else this.#say('The person is not in this frame.');
      } catch (error) {
        this.#shown = key;
        this.#say((error as Error).message);
      }
    }
    this.#busy = false;
  }

  #say(text: string): void {
    this.#loaded = undefined;
    this.#shape = '';
    this.#body.replaceChildren(make('p', text, 'reading'));
  }

  #fill(loaded: Packed<FrameValue>): void {
    this.#loaded = loaded;
    const { value } = loaded;
    const { stride, window, name, stored } = this.#facts;
    const every = stride === 1 ? 'frames in a row' : `frames, one in ${stride}`;
    const only = stored ? `; ${stored.length} frames are in this page` : '';
    this.#caption.textContent = `${name}, frame ${value.frame}, window of ${window} ${every}${only}`;
    const shape = JSON.stringify(value.modules.map(({ name, layers }) => [name, layers.map(({ tokens }) => tokens)]));
    if (shape !== this.#shape) this.#build(value);
    this.#shape = shape;
    for (const [m, module] of value.modules.entries()) {
      for (const [l, { tokens }] of module.layers.entries()) {
        const maps = loaded.arrays.get(`${module.name}/${l}`) as Uint8Array;
        const size = tokens * tokens;
        for (let head = 0; head < maps.length / size; head++) {
          const canvas = byId<HTMLCanvasElement>(`map-${m}-${l}-${head}`);
          drawHeat(canvas, maps.subarray(head * size, (head + 1) * size), tokens, this.#table);
        }
      }
    }
    this.#enlarge();
    this.#drawMasked();
  }

  /** Makes the panel's elements for a model of this shape. */
  #build(value: FrameValue): void {
    const parts: HTMLElement[] = [];
    if (value.modules.length > 0) parts.push(this.#largeMap());
    if (value.reconstruction) parts.push(this.#maskedPart());
    for (const [m, { name, layers }] of value.modules.entries()) {
      const part = make('section', '', 'module');
      const [title, about] = titles[name];
      part.append(make('h3', title), make('p', about));
      for (const [l, { greatest }] of layers.entries()) {
        const row = make('div', '', 'layer');
        const heads = make('div', '', 'heads');
        for (const head of greatest.keys()) {
          const button = make('button');
          button.type = 'button';
          button.setAttribute('aria-label', `${title}, layer ${l}, head ${head}`);
          const canvas = make('canvas');
          canvas.id = `map-${m}-${l}-${head}`;
          button.append(canvas);
          button.addEventListener('click', () => {
            this.#chosen = { module: m, layer: l, head };
            this.#enlarge();
          });
          heads.append(button);
        }
        row.append(make('span', `Layer ${l}`), heads);
        part.append(row);
      }
      parts.push(part);
    }
    this.#body.replaceChildren(...parts);
    const { module, layer, head } = this.#chosen;
    if (!document.getElementById(`map-${module}-${layer}-${head}`)) this.#chosen = { module: 0, layer: 0, head: 0 };
  }

  #largeMap(): HTMLElement {
    const part = make('div', '', 'large');
    const map = make('div', '', 'map');
    const canvas = make('canvas');
    canvas.id = 'large-map';
    canvas.setAttribute('role', 'img');
    map.append(canvas);
    canvas.addEventListener('pointermove', (event) => this.#read(event.offsetX, event.offsetY));
    canvas.addEventListener('pointerleave', () => this.#enlarge());
    const reading = make('p', '', 'reading');
    reading.id = 'large-reading';
    part.append(make('span', 'Query', 'axis down'), map, make('span', 'Key', 'axis along'), reading);
    return part;
  }

  #maskedPart(): HTMLElement {
    const part = make('section', '', 'module');
    const strip = make('canvas', '', 'strip');
    strip.id = 'masked-strip';
    strip.style.height = `${stripHeight}px`;
    strip.setAttribute('role', 'img');
    const about = make('p');
    about.id = 'masked-about';
    part.append(make('h3', 'Masked pose modelling'), about, strip);
    if (!this.#facts.stored) {
      const again = make('button', 'Draw other masks');
      again.type = 'button';
      again.addEventListener('click', () => {
        this.#seed++;
        if (this.#loaded) this.#wanted = { ...this.#place() };
        if (!this.#busy) void this.#load();
      });
      part.append(again);
    }
    return part;
  }

  #place(): { person: number; frame: number } {
    const [person, frame] = this.#shown.split('/').map(Number);
    return { person, frame };
  }

  #drawMasked(): void {
    const found = this.#loaded?.value.reconstruction;
    if (!found || !this.#palette || !this.#loaded) return;
    const masked = this.#loaded.arrays.get('masked') as Uint8Array;
    const hidden = masked.reduce((sum, one) => sum + one, 0);
    byId('masked-about').textContent =
      `${hidden} of ${masked.length} frames and some joints of the others are hidden. On average a joint is put ` +
      `${found.errorPixels.toFixed(1)} pixels from where the detector saw it.`;
    const canvas = byId<HTMLCanvasElement>('masked-strip');
    canvas.setAttribute('aria-label', 'Poses seen, poses left by the masks, poses reconstructed');
    drawMasked(canvas, this.#loaded, this.#palette);
  }

  #chosenMap() {
    const { module, layer, head } = this.#chosen;
    const found = this.#loaded?.value.modules[module];
    if (!found || !this.#loaded) return undefined;
    const { tokens, greatest, names } = found.layers[layer];
    const all = this.#loaded.arrays.get(`${found.name}/${layer}`) as Uint8Array;
    const map = all.subarray(head * tokens * tokens, (head + 1) * tokens * tokens);
    return { title: titles[found.name][0], layer, head, tokens, names, map, most: greatest[head], module: found.name };
  }

  #enlarge(): void {
    const found = this.#chosenMap();
    if (!found) return;
    const { title, layer, head, tokens, names, map, most } = found;
    const canvas = byId<HTMLCanvasElement>('large-map');
    drawHeat(canvas, map, tokens, this.#table);
    const hidden = names.findIndex((name) => name.endsWith('hidden'));
    if (hidden > 0) this.#divide(canvas, hidden, tokens);
    canvas.setAttribute('aria-label', `${title}, layer ${layer}, head ${head}: ${tokens} by ${tokens} weights`);
    byId('large-reading').textContent =
      `${title}, layer ${layer}, head ${head}. ${tokens} \u00d7 ${tokens}, the greatest weight is ${most.toPrecision(3)}.`;
    for (const button of this.#body.querySelectorAll('.heads button')) button.setAttribute('aria-pressed', 'false');
    const own = byId(`map-${this.#chosen.module}-${layer}-${head}`).parentElement;
    own?.setAttribute('aria-pressed', 'true');
  }

  /** Lines between what is visible and what is hidden. */
  #divide(canvas: HTMLCanvasElement, at: number, tokens: number): void {
    const context = canvas.getContext('2d')!;
    context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--warning');
    const thin = Math.max(0.15, tokens / 400);
    context.fillRect(at - thin / 2, 0, thin, tokens);
    context.fillRect(0, at - thin / 2, tokens, thin);
  }

  /** Says the weight under the pointer. */
  #read(x: number, y: number): void {
    const found = this.#chosenMap();
    const { clientWidth, clientHeight } = byId('large-map');
    if (!found) return;
    const { tokens, names, map, most, module } = found;
    const key = Math.min(tokens - 1, Math.max(0, Math.floor((x / clientWidth) * tokens)));
    const query = Math.min(tokens - 1, Math.max(0, Math.floor((y / clientHeight) * tokens)));
    const weight = (map[query * tokens + key] / 255) * most;
    const what = module === 'joints' ? '' : 'frame ';
    byId('large-reading').textContent =
      `${what}${names[query]} looks at ${what}${names[key]}: ${weight.toPrecision(2)}. Even would be ${(1 / tokens).toPrecision(2)}.`;
  }
}
