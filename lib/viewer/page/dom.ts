/** The page's element of that id. */
export function byId<Element extends HTMLElement>(id: string): Element {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no #${id}.`);
  return found as Element;
}

/** Buttons that exclude each other: those of a group with a `data-` attribute. */
export function choices(attribute: string, choose: (value: string) => void): (value: string) => void {
  const buttons = [...document.querySelectorAll<HTMLButtonElement>(`button[data-${attribute}]`)];
  for (const button of buttons) button.addEventListener('click', () => choose(button.dataset[attribute] ?? ''));
  return (value) => {
    for (const button of buttons) button.setAttribute('aria-pressed', String(button.dataset[attribute] === value));
  };
}

/** A new element with text. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  text = '',
  className = '',
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  if (text) element.textContent = text;
  if (className) element.className = className;
  return element;
}

/** Makes a canvas as sharp as the screen. Gives its size in CSS pixels and the context scaled to them. */
export function sharpen(canvas: HTMLCanvasElement): {
  context: CanvasRenderingContext2D;
  width: number;
  height: number;
} {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = Math.min(devicePixelRatio, 2);
  const [wide, high] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
  }
  const context = canvas.getContext('2d')!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { context, width, height };
}
