import { checkArguments } from '../base/check-arguments.js';
import { largest } from '../base/lists.js';
/** A piece of a picture: SVG elements that keep within a width and height, in pixels. */
export interface Drawing {
  width: number;
  height: number;
  body: string;
}

type Attributes = Readonly<Record<string, string | number>>;

/** Colours follow the reader's: dark pages get light ink. What is drawn names a class, whose colour is `currentColor`. */
const style = [
  'text{font-family:system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#3d3d46}',
  '.paper{fill:#fff}.panel{fill:#f6f7fa}.quiet{fill:#737581}.halo{color:#fff}.grid{color:#e0e2ea}.axis{color:#8b8d98}',
  '.left{color:#d1495b}.right{color:#2e6f95}.middle{color:#3d3d46}',
  '.series0{color:#2e6f95}.series1{color:#d1495b}.series2{color:#7a8b3a}.series3{color:#8a5aa8}',
  '@media (prefers-color-scheme:dark){text{fill:#e6e6ec}.paper{fill:#16171d}.panel{fill:#1f2028}.quiet{fill:#9a9ca8}',
  '.halo{color:#16171d}.grid{color:#30323d}.left{color:#f0808d}.right{color:#6db3dc}.middle{color:#d4d5dd}',
  '.series0{color:#6db3dc}.series1{color:#f0808d}.series2{color:#b4c86a}.series3{color:#c79be2}}',
].join('');

/** How many classes `series0`, `series1`, ... there are. */
export const seriesColours = 4;

/** The text of an SVG file. */
export function picture(given: Drawing): string {
  checkArguments('picture', { given }, { width: 'number', height: 'number', body: 'text' });
  const { width, height, body } = given;
  const [w, h] = [Math.ceil(width), Math.ceil(height)];
  const box = { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${w} ${h}`, width: w, height: h };
  const paper = element('rect', { class: 'paper', width: w, height: h, rx: 12 });
  return `${element('svg', box, `\n<style>${style}</style>\n${paper}\n${body}\n`)}\n`;
}

/** One element; what attributes hold is escaped, `content` is markup already. */
export function element(name: string, attributes: Attributes, content = ''): string {
  const list = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${typeof value === 'number' ? px(value) : escaped(value)}"`,
  );
  return content === '' ? `<${name}${list.join('')}/>` : `<${name}${list.join('')}>${content}</${name}>`;
}

/** A line of text, escaped. */
export function label(x: number, y: number, text: string, attributes: Attributes = {}): string {
  return element('text', { x, y, 'font-size': 12, ...attributes }, escaped(text));
}

/** A heading at the left. */
export function heading(x: number, y: number, text: string): string {
  return label(x, y, text, { 'font-size': 14, 'font-weight': 600 });
}

/** A drawing moved to a place. */
export function placed(x: number, y: number, body: string): string {
  return element('g', { transform: `translate(${px(x)} ${px(y)})` }, `\n${body}\n`);
}

/** Drawings one under the other. */
export function stacked(drawings: readonly Drawing[], gap = 0): Drawing {
  checkArguments('stacked', { drawings, gap }, 'list', 'number?');
  let height = 0;
  const parts = drawings.map((drawing, index) => {
    const y = height + (index > 0 ? gap : 0);
    height = y + drawing.height;
    return placed(0, y, drawing.body);
  });
  return { width: largest(drawings.map(({ width }) => width)), height, body: parts.join('\n') };
}

/** Drawings side by side. */
export function sideBySide(drawings: readonly Drawing[], gap = 0): Drawing {
  checkArguments('sideBySide', { drawings, gap }, 'list', 'number?');
  let width = 0;
  const parts = drawings.map((drawing, index) => {
    const x = width + (index > 0 ? gap : 0);
    width = x + drawing.width;
    return placed(x, 0, drawing.body);
  });
  return { width, height: largest(drawings.map(({ height }) => height)), body: parts.join('\n') };
}

/** A coordinate with one decimal. */
export function px(value: number): string {
  return String(Number(value.toFixed(1)) + 0);
}

/** Text that markup cannot break out of; characters that XML forbids become question marks. */
function escaped(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML forbids.
  return text.replace(/[&<>"']|[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/gu, (letter) => {
    const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
    return names[letter] ?? '?';
  });
}
