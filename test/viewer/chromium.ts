import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** Where a Chromium may be; `PSTMO_CHROMIUM` says it where it is elsewhere. */
const places = [
  process.env.PSTMO_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
];

export const chromiumPath = places.find((path) => path !== undefined && existsSync(path));

/** Why the tests in a browser are skipped, to be printed; undefined where they run. */
export const noChromium = chromiumPath
  ? undefined
  : 'no Chromium was found (Debian: apt-get install chromium; elsewhere PSTMO_CHROMIUM says where it is)';

/** Starts a Chromium without a window that draws WebGL on the CPU. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath!,
    args: ['--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
  });
}
