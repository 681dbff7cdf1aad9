// The ratios as an SVG with a logarithmic axis, drawn for light and for dark pages.

import { round } from './report.js';

const WIDTH = 760;
const LEFT = 290;
const RIGHT = 70;
const ROW = 24;
const TOP = 56;

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** Bars of how many times better ours is than the official connector. */
export const chart = ({ ratios, node, processor, rounds }) => {
  const bars = ratios.filter(({ to }) => !to);
  const most = Math.max(10, ...bars.map(({ measured }) => measured.max));
  const ticks = [1, 3, 10, 30, 100, 300, 1000, 3000].filter((tick) => tick <= most * 1.2);
  const span = WIDTH - LEFT - RIGHT;
  const x = (ratio) => LEFT + (span * Math.log(Math.max(ratio, 1))) / Math.log(most);
  const height = TOP + bars.length * ROW + 12;
  const lines = ticks.map(
    (tick) =>
      `<line class="grid" x1="${x(tick).toFixed(1)}" x2="${x(tick).toFixed(1)}" y1="${TOP - 6}" y2="${height - 12}"/>` +
      `<text class="dim" x="${x(tick).toFixed(1)}" y="${TOP - 12}" text-anchor="middle">${tick}×</text>`,
  );
  const rows = bars.map(({ label, measured: { median, min, max } }, place) => {
    const y = TOP + place * ROW;
    const middle = y + ROW / 2;
    const from = x(min).toFixed(1);
    const to = x(max).toFixed(1);
    return (
      `<text x="${LEFT - 10}" y="${middle + 4}" text-anchor="end">${escaped(label)}</text>` +
      `<rect class="bar" x="${LEFT}" y="${y + 4}" width="${Math.max(1, x(median) - LEFT).toFixed(1)}" height="${ROW - 8}" rx="2"/>` +
      `<line class="range" x1="${from}" x2="${to}" y1="${middle}" y2="${middle}"/>` +
      `<text x="${(x(max) + 8).toFixed(1)}" y="${middle + 4}">${round(median)}×</text>`
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="How many times better than the official connector">
<style>
text { font: 12px system-ui, sans-serif; fill: #1f2328; }
.dim { fill: #59636e; font-size: 11px; }
.grid { stroke: #d1d9e0; }
.bar { fill: #2f81f7; }
.range { stroke: #0a3069; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .dim { fill: #9198a1; }
  .grid { stroke: #3d444d; }
  .bar { fill: #388bfd; }
  .range { stroke: #cae8ff; }
}
</style>
<text x="10" y="18">Times better than the official connector (median and range of ${rounds} rounds; logarithmic)</text>
<text class="dim" x="10" y="${TOP - 12}">Node ${escaped(node)}, ${escaped(processor)}</text>
${[...lines, ...rows].join('\n')}
</svg>
`;
};
