const WIDTH = 720;
const HEIGHT = 400;
const MARGIN = { left: 60, right: 20, top: 40, bottom: 50 };

/** An SVG of losses over samples, the loss on a logarithmic scale. `curves`: { name, colour, points: [samples, loss][] }. */
export function lossCurves(title, curves) {
  const points = curves.flatMap((curve) => curve.points);
  const last = Math.max(...points.map(([samples]) => samples));
  const losses = points.map(([, loss]) => loss);
  const low = Math.log(Math.min(...losses) / 1.1);
  const high = Math.log(Math.max(...losses) * 1.1);
  const x = (samples) => MARGIN.left + (samples / last) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (loss) => MARGIN.top + ((high - Math.log(loss)) / (high - low)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const text = (atX, atY, content, more = '') => `<text x="${atX}" y="${atY}" ${more}>${content}</text>`;
  const parts = [text(MARGIN.left, 22, title, 'font-size="15"')];
  for (const loss of ticks(Math.exp(low), Math.exp(high))) {
    const at = y(loss).toFixed(1);
    parts.push(`<path d="M${MARGIN.left} ${at}H${WIDTH - MARGIN.right}" stroke="#ddd"/>`);
    parts.push(text(MARGIN.left - 8, Number(at) + 4, loss, 'text-anchor="end"'));
  }
  for (let i = 0; i <= 5; i++) {
    const samples = Math.round((last * i) / 5);
    parts.push(text(x(samples).toFixed(1), HEIGHT - MARGIN.bottom + 18, samples, 'text-anchor="middle"'));
  }
  parts.push(text(WIDTH / 2, HEIGHT - 10, 'samples', 'text-anchor="middle"'));
  curves.forEach(({ name, colour, dash, points: own }, i) => {
    const line = own.map(([samples, loss]) => `${x(samples).toFixed(1)} ${y(loss).toFixed(1)}`).join('L');
    parts.push(
      `<path d="M${line}" fill="none" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash ?? 'none'}"/>`,
    );
    parts.push(text(WIDTH - MARGIN.right, MARGIN.top + 18 * (i + 1), name, `text-anchor="end" fill="${colour}"`));
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>
${parts.join('\n')}
</svg>
`;
}

/** 1, 2 and 5 times powers of ten between two numbers. */
function ticks(low, high) {
  const all = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) {
    all.push(...[1, 2, 5].map((digit) => Number((digit * 10 ** power).toPrecision(1))));
  }
  return all.filter((loss) => loss >= low && loss <= high);
}
