// What is aimed at, as ratios to the official connector or another contender, and what a throw-away prototype reached. What
// has no aim is in the table because a reader wants to know it.

const least = (target, prototype, scenario, figure, label, more = {}) => ({
  target,
  prototype,
  scenario,
  figure,
  label,
  ...more,
});

/** Ratios that are to be at least so much. */
export const targets = [
  least(null, 4.7, 'lone', 'perSecond', 'messages/s, one at a time'),
  least(0.7, 0.71, 'lone', 'perSecond', 'messages/s, one at a time, to bare Rust', { to: 'loop' }),
  least(12, 12.4, 'lone', 'mainUs', 'main-thread CPU, one at a time'),
  least(6, 6.7, 'lone', 'processUs', 'process CPU, one at a time'),
  least(null, null, 'lone', 'p99us', 'p99 latency, one at a time'),
  least(16, 15.3, 'flight-64', 'perSecond', 'messages/s, 64 in flight'),
  least(0.7, 0.66, 'flight-64', 'perSecond', 'messages/s, 64 in flight, to bare Rust', { to: 'loop' }),
  least(45, 45, 'flight-64', 'mainUs', 'main-thread CPU, 64 in flight'),
  least(16, 16.9, 'flight-64', 'processUs', 'process CPU, 64 in flight'),
  least(15, 7.7, 'flight-64', 'p99us', 'p99 latency, 64 in flight'),
  least(null, 20, 'flight-64', 'loopP99ms', 'event-loop delay p99, 64 in flight'),
  least(null, null, 'flight-64-hot', 'perSecond', 'messages/s, 64 in flight, hot'),
  least(null, null, 'flight-64-hot', 'perSecond', 'messages/s, 64 in flight, hot, to bare Rust', { to: 'loop' }),
  least(null, null, 'flight-64-hot', 'mainUs', 'main-thread CPU, 64 in flight, hot'),
  least(null, null, 'flight-64-hot', 'processUs', 'process CPU, 64 in flight, hot'),
  least(null, null, 'flight-64-hot', 'p99us', 'p99 latency, 64 in flight, hot'),
  least(45, 50, 'flight-512', 'mainUs', 'main-thread CPU, 512 in flight'),
  least(null, null, 'flight-512', 'p99us', 'p99 latency, 512 in flight'),
  least(22, 22, 'flight-64-50', 'mainUs', 'main-thread CPU, 64 behind 50 ms'),
  least(65, 73, 'burst', 'mainUs', 'main-thread CPU, burst of 2,000'),
  least(4.7, null, 'burst', 'burstMs', 'burst of 2,000 behind 50 ms, time'),
  least(300, 519, 'burst', 'loopMaxMs', 'burst of 2,000, longest loop delay'),
  least(6, 6.3, 'first', 'firstUs', 'first message of a process'),
  least(6, 7.3, 'sparse', 'p50us', 'one message every 6 s, latency'),
  least(17, 18.5, 'load-kit', 'loadMs', 'import, kit and zod loaded'),
  least(0.7, 0.6, 'load-host', 'loadMs', 'import into a host that has got, to hand-tuned', { to: 'handTuned' }),
  least(null, 2.96, 'flight-512', 'peakRssKib', 'peak RSS, 512 in flight'),
  least(1, 4.3 / 3.8, 'guard', 'variedUs', 'guard, valid, another one each time'),
  least(1, null, 'guard', 'validUs', 'guard, valid, the same one again'),
  least(1 / 1.5, null, 'guard', 'invalidUs', 'guard, invalid'),
  least(1, null, 'guard', 'emptyUs', 'guard, empty object'),
  least(1, null, 'guard', 'nonsenseUs', 'guard, not an object'),
];

/** Absolute limits for ours. */
export const limits = [
  {
    label: 'import into a host that has got, MiB more',
    most: 2.5,
    of: ({ host }) => host.ours.loadRssKib.median / 1024,
  },
  {
    label: 'createConnector, µs more than the official one',
    most: 1,
    of: ({ create }) => create.ours.createUs.median - create.official.createUs.median,
  },
  {
    label: 'createConnector, bytes retained',
    most: 8,
    of: ({ create }) => create.ours.retainedBytes.median,
  },
  { label: 'burst of 2,000, failures', most: 0, of: ({ burst }) => burst.ours.failures.max },
  {
    label: 'burst of 2,000, connections',
    most: 192,
    of: ({ burst }) => burst.ours.connections.max,
  },
  {
    label: 'one message every 6 s, connections',
    most: 1,
    of: ({ sparse }) => sparse.ours.connections.max,
  },
];
