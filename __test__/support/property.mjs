import fc from 'fast-check';

const seed = process.env.FC_SEED === undefined ? Date.now() & 0x7fffffff : Number(process.env.FC_SEED);
const factor = Number(process.env.FC_RUNS ?? 1);

/** Runs a property and says how to repeat the run. FC_SEED fixes the seed, FC_RUNS multiplies the runs. */
export async function check(t, property, runs) {
  const numRuns = Math.max(1, Math.round(runs * factor));
  t.diagnostic(`${numRuns} runs; FC_SEED=${seed} repeats them`);
  await fc.assert(property, { seed, numRuns, includeErrorInReport: true });
}

/** Puts `[rank, element]` pairs in the order of their ranks. */
export function sorted(ranked) {
  return ranked.toSorted(([one], [other]) => one - other).map(([, element]) => element);
}
