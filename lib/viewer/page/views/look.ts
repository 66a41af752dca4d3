/** How things are shown: what the buttons and keys change. */
export interface Look {
  colour: 'side' | 'person' | 'error';
  error: 'rooted' | 'aligned';
  trails: boolean;
  ground: boolean;
  upright: boolean;
  /** The person stays in the middle, and the ground moves. */
  follow: boolean;
  truth: boolean;
  /** Two results: beside each other, or in one place. */
  arrangement: 'split' | 'overlay';
  fit: 'image' | 'person';
  /** The person of the first result that stands out. */
  person: number;
}

export type Colour = readonly [number, number, number];

/** Colours of the theme, 0 to 1, sRGB. */
export interface Palette {
  side: Readonly<Record<'left' | 'right' | 'middle', Colour>>;
  people: readonly Colour[];
  second: Colour;
  truth: Colour;
  stage: Colour;
  grid: Colour;
  shadow: Colour;
  text: Colour;
  muted: Colour;
  surface: Colour;
  raised: Colour;
  line: Colour;
  accent: Colour;
  warning: Colour;
  /** From the least to the greatest weight. */
  heat: readonly Colour[];
  dark: boolean;
}

/** People of a scene, told apart without red against green. */
const peopleColours = {
  dark: ['#8cc8ff', '#f2b866', '#c9a2ff', '#7ddba8', '#ff9aa8', '#d7dd7a'],
  light: ['#1c6fb0', '#b06a00', '#7a45c4', '#1d7f4e', '#c03050', '#6d7300'],
} as const;

/** From no error to 150 mm and more. */
const errorColours = ['#3f8fd0', '#8fb6c9', '#efc35c', '#e8743b', '#d0213f'].map(parse);
export const mostError = 150;

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const named = (name: string) => parse(style.getPropertyValue(`--${name}`).trim());
  const dark = document.documentElement.dataset.theme !== 'light';
  return {
    side: { left: named('left'), right: named('right'), middle: named('middle') },
    people: peopleColours[dark ? 'dark' : 'light'].map(parse),
    ...{ second: named('second'), truth: named('truth'), stage: named('stage'), grid: named('grid') },
    ...{ shadow: named('shadow'), text: named('text'), muted: named('muted'), surface: named('surface') },
    ...{ raised: named('raised'), line: named('line'), accent: named('accent'), warning: named('warning') },
    heat: [named('heat-0'), named('heat-1'), named('heat-2'), named('heat-3')],
    dark,
  };
}

/** A colour between: 0 is `a`, 1 is `b`. */
export function between(a: Colour, b: Colour, share: number): Colour {
  return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share];
}

/** A place on a row of colours, 0 to 1. */
export function along(colours: readonly Colour[], place: number): Colour {
  const at = Math.min(Math.max(place, 0), 1) * (colours.length - 1);
  const first = Math.min(Math.floor(at), colours.length - 2);
  return between(colours[first], colours[first + 1], at - first);
}

export function errorColour(millimetres: number): Colour {
  return along(errorColours, millimetres / mostError);
}

export function css([red, green, blue]: Colour, alpha = 1): string {
  const byte = (value: number) => Math.round(value * 255);
  return `rgb(${byte(red)} ${byte(green)} ${byte(blue)} / ${alpha})`;
}

function parse(hex: string): Colour {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255];
}
