// How many tests a run passed, failed and skipped, read from what it printed.

const NODE = {
  passed: /^# pass (\d+)$/gm,
  failed: /^# (?:fail|cancelled) (\d+)$/gm,
  skipped: /^# (?:skipped|todo) (\d+)$/gm,
};
const CARGO = {
  passed: /^test result: .* (\d+) passed;/gm,
  failed: /^test result: .* (\d+) failed;/gm,
  skipped: /^test result: .* (\d+) ignored;/gm,
};
const KEYS = Object.keys(NODE);

/** From the TAP of Node's test runner, whose totals are at the end: what a test logs is a comment of TAP too. */
export const countNode = (tap) => count(NODE, tap.slice(tap.lastIndexOf('\n1..')));

/** From cargo test: one line for each of its binaries. */
export const countCargo = (output) => count(CARGO, output);

export const sum = (one, other) => Object.fromEntries(KEYS.map((key) => [key, (one[key] ?? 0) + (other[key] ?? 0)]));

function count(patterns, text) {
  const total = (pattern) => Array.from(text.matchAll(pattern)).reduce((all, [, number]) => all + Number(number), 0);
  return Object.fromEntries(KEYS.map((key) => [key, total(patterns[key])]));
}
