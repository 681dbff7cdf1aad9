// What is aimed at, as ratios to the official connector, and what a throw-away prototype reached.

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
  least(5, 4.7, 'lone', 'perSecond', 'messages/s, one at a time'),
  least(16, 15.3, 'flight-64', 'perSecond', 'messages/s, 64 in flight'),
  least(0.7, 15.3 / 23.3, 'flight-64', 'perSecond', 'messages/s, 64 in flight, to bare Rust', {
    to: 'loop',
  }),
  least(14, 12.4, 'lone', 'mainUs', 'main-thread CPU, one at a time'),
  least(45, 45, 'flight-64', 'mainUs', 'main-thread CPU, 64 in flight'),
  least(45, 50, 'flight-512', 'mainUs', 'main-thread CPU, 512 in flight'),
  least(22, 22, 'flight-64-50', 'mainUs', 'main-thread CPU, 64 behind 50 ms'),
  least(60, 73, 'burst', 'mainUs', 'main-thread CPU, burst of 2,000'),
  least(7, 6.7, 'lone', 'processUs', 'process CPU, one at a time'),
  least(16, 16.9, 'flight-64', 'processUs', 'process CPU, 64 in flight'),
  least(15, 23, 'lone', 'p99us', 'p99 latency, one at a time'),
  least(15, 20, 'flight-64', 'loopP99ms', 'event-loop delay p99, 64 in flight'),
  least(4.7, null, 'burst', 'burstMs', 'burst of 2,000 behind 50 ms, time'),
  least(300, 519, 'burst', 'loopMaxMs', 'burst of 2,000, longest loop delay'),
  least(6, 6.3, 'first', 'firstUs', 'first message of a process'),
  least(6, 7.3, 'sparse', 'p50us', 'one message every 6 s, latency'),
  least(17, 18.5, 'load-kit', 'loadMs', 'import, kit and zod loaded'),
  least(2.5, 2.96, 'flight-512', 'peakRssKib', 'peak RSS, 512 in flight'),
  least(1, 4.3 / 3.8, 'guard', 'variedUs', 'guard, valid, another one each time'),
  least(1, null, 'guard', 'validUs', 'guard, valid, the same one again'),
  least(1 / 1.5, null, 'guard', 'invalidUs', 'guard, invalid'),
];

/** Absolute limits for ours. */
export const limits = [
  {
    label: 'import into a host that has got, ms',
    most: 1,
    of: ({ host }) => host.ours.loadMs.median,
  },
  { label: 'the same, MiB more', most: 2.5, of: ({ host }) => host.ours.loadRssKib.median / 1024 },
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
