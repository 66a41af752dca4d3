import { OWN, titleOf } from '../sides/sides.mjs';
import { networkName } from './tables.mjs';

const PANEL = 430;
const LEFT = 100;
const RIGHT = 40;
const BAR = 14;
const GAP = 12;
const TOP = 100;
const FONT = 'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"';
const ORDER = ['compiled', 'op-by-op', 'openvino', 'onnxruntime', 'pytorch'];

/** The panel brings its own ground, so that it reads on any page; colours follow the reader's scheme. */
const STYLE = `<style>
.ground { fill: #ffffff; } .text { fill: #22252b; } .quiet { fill: #666b76; } .rule { stroke: #d9dce3; }
.compiled { fill: #b4441f; } .op-by-op { fill: #e0a184; } .openvino { fill: #2a6f97; } .onnxruntime { fill: #6b9ab8; } .pytorch { fill: #a3b7c4; }
@media (prefers-color-scheme: dark) {
.ground { fill: #15181d; } .text { fill: #e8eaee; } .quiet { fill: #9aa1ad; } .rule { stroke: #353a44; }
.compiled { fill: #f0825a; } .op-by-op { fill: #9c5a41; } .openvino { fill: #5fa8d3; } .onnxruntime { fill: #3f7596; } .pytorch { fill: #55697a; }
}
</style>`;

/**
 * Bars of how much of the arithmetic limit each side reaches with its best batch: a panel for each precision, a group for each network;
 * an SVG, or an empty text where nothing was measured.
 */
export function shareFigure({ about, rows }) {
  const best = rows.filter(({ section, best, share }) => section === 'windows' && best && share !== undefined);
  const panels = [...new Set(best.map(({ precision }) => precision))].map((precision, i) =>
    panel(
      precision,
      best.filter((row) => row.precision === precision),
      i * PANEL,
    ),
  );
  if (panels.length === 0) {
    return '';
  }
  const width = Math.max(2, panels.length) * PANEL;
  const height = Math.max(...panels.map((one) => one.height));
  const title = `Share of the arithmetic limit, ${about.threads} threads (${about.cpu})`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ${FONT}>
${STYLE}
<rect class="ground" width="${width}" height="${height}" rx="10"/>
${text(20, 28, title, 'text', 'font-size="15" font-weight="600"')}
${legend(best)}
${panels.flatMap(({ body }) => body).join('\n')}
</svg>
`;
}

function panel(precision, rows, x0) {
  const left = x0 + LEFT;
  const body = [];
  let y = TOP;
  for (const name of new Set(rows.map(networkName))) {
    const bars = ORDER.flatMap((side) => rows.filter((row) => row.side === side && networkName(row) === name));
    body.push(text(left - 10, y + (bars.length * BAR) / 2 + 4, name, 'text', 'text-anchor="end" font-size="12"'));
    for (const { side, share } of bars) {
      body.push(`<rect class="${side}" x="${left}" y="${y + 1}" width="${px(scale(share))}" height="${BAR - 2}"/>`);
      body.push(text(left + scale(share) + 5, y + BAR - 4, `${(100 * share).toFixed(0)}%`, 'quiet', 'font-size="10"'));
      y += BAR;
    }
    y += GAP;
  }
  const rules = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => {
    const x = px(left + scale(share));
    return [
      `<path class="rule" d="M${x} ${TOP - 6}V${y}"/>`,
      text(x, y + 16, `${100 * share}%`, 'quiet', 'text-anchor="middle" font-size="11"'),
    ];
  });
  const title = text(left, TOP - 14, precision, 'text', 'font-size="13" font-weight="600"');
  return { body: [title, ...rules, ...body], height: y + 34 };
}

/** A little more than the limit fits: a measured peak is not above every measured share. */
const scale = (share) => (share * (PANEL - LEFT - RIGHT)) / 1.05;

const px = (value) => Number(value.toFixed(1));

function text(x, y, content, kind, more) {
  const escaped = content.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return `<text class="${kind}" x="${px(x)}" y="${px(y)}" ${more}>${escaped}</text>`;
}

function legend(rows) {
  let x = 20;
  return ORDER.filter((side) => rows.some((row) => row.side === side))
    .map((side) => {
      const name = OWN.includes(side) ? `pstmo, ${titleOf(side)}` : titleOf(side);
      const at = x;
      x += 34 + 7 * name.length;
      return `<rect class="${side}" x="${at}" y="44" width="12" height="12"/>${text(at + 17, 54, name, 'text', 'font-size="12"')}`;
    })
    .join('\n');
}
