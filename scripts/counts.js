// How many tests a run passed, failed and skipped, read from what the run printed.

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

/** From the TAP of Node's test runner, whose totals are at the end. */
export function countNode(tap) {
  // What a test logs becomes a comment of TAP too.
  return count(NODE, tap.slice(tap.lastIndexOf('\n1..')));
}

/** From cargo test: one line for each of its binaries. */
export function countCargo(output) {
  return count(CARGO, output);
}

/** Two runs as one. */
export function sum(one, other) {
  const keys = ['passed', 'failed', 'skipped'];
  return Object.fromEntries(keys.map((key) => [key, (one[key] ?? 0) + (other[key] ?? 0)]));
}

function count(patterns, text) {
  const total = (pattern) =>
    Array.from(text.matchAll(pattern)).reduce((all, [, number]) => all + Number(number), 0);
  return Object.fromEntries(
    Object.entries(patterns).map(([key, pattern]) => [key, total(pattern)]),
  );
}
