// The figures as text.

const NAMES = { official: 'official', handTuned: 'hand-tuned', ours: 'ours', loop: 'bare Rust' };
const FIGURES = [
  ['loadMs', 'load ms'],
  ['loadRssKib', 'load RSS KiB'],
  ['createUs', 'create µs'],
  ['retainedBytes', 'kept bytes'],
  ['validUs', 'valid µs'],
  ['variedUs', 'varied µs'],
  ['invalidUs', 'invalid µs'],
  ['emptyUs', 'empty µs'],
  ['nonsenseUs', 'nonsense µs'],
  ['perSecond', 'messages/s'],
  ['burstMs', 'burst ms'],
  ['mainUs', 'main µs'],
  ['processUs', 'process µs'],
  ['p50us', 'p50 µs'],
  ['p99us', 'p99 µs'],
  ['firstUs', 'first µs'],
  ['loopP99ms', 'loop p99 ms'],
  ['loopMaxMs', 'loop max ms'],
  ['connections', 'connections'],
  ['peakRssKib', 'peak RSS KiB'],
  ['failures', 'failures'],
];
// Figures that mean something in a scenario besides those that name it.
const LOAD = new Set(['loadMs', 'loadRssKib']);

export const round = (value) => {
  if (value === null || value === undefined) return '–';
  const size = Math.abs(value);
  return size >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(size >= 10 ? 1 : 2);
};

const table = (rows) => {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) =>
    row.map((cell, column) => (column ? cell.padStart(widths[column]) : cell.padEnd(widths[0]))).join('  ');
  return rows.map(line).join('\n');
};

const result = (good) => (good ? 'reached' : 'MISSED');
const aim = (target, value) => (target === null ? '' : result(value >= target));

/** Prints the ratios, the limits and what every contender did. */
export const print = ({ node, processor, rounds, ratios, limits, scenarios }) => {
  console.log(`Node ${node}, ${processor}, ${rounds} rounds: medians, ranges in brackets\n`);
  if (ratios.length) {
    const rows = ratios.map(({ label, target, measured: { median, min, max }, prototype }) => [
      label,
      round(target),
      `${round(median)} (${round(min)}–${round(max)})`,
      round(prototype),
      aim(target, median),
    ]);
    console.log(
      `${table([['times better than the official one', 'at least', 'measured', 'prototype', ''], ...rows])}\n`,
    );
  }
  if (limits.length) {
    const rows = limits.map(({ label, most, measured }) => [
      label,
      round(most),
      round(measured),
      result(measured <= most),
    ]);
    console.log(`${table([['ours', 'at most', 'measured', ''], ...rows])}\n`);
  }
  for (const [name, contenders] of Object.entries(scenarios)) {
    const present = FIGURES.filter(([figure]) => Object.values(contenders).some((one) => figure in one));
    const columns = present.filter(([figure]) => name.startsWith('load') || !LOAD.has(figure));
    const cell = (range) => (range ? `${round(range.median)} (${round(range.min)}–${round(range.max)})` : '–');
    const rows = Object.entries(contenders).map(([contender, figures]) => [
      NAMES[contender],
      ...columns.map(([figure]) => cell(figures[figure])),
    ]);
    console.log(`${table([[name, ...columns.map(([, title]) => title)], ...rows])}\n`);
  }
};
