// 200,000 messages through one process, and what becomes of its memory.
// Usage: node __test__/faults/soak.mjs [--sends 200000] [--bound-mb 16] [--plain]

import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';

import { fixture, start } from '../support/child.mjs';

const { values } = parseArgs({
  options: {
    sends: { type: 'string', default: '200000' },
    'bound-mb': { type: 'string', default: '16' },
    plain: { type: 'boolean', default: false },
  },
});
const sends = Number(values.sends);
const boundMb = Number(values['bound-mb']);

function ask({ child }) {
  return new Promise((resolve) => child.once('message', resolve));
}

const day = 24 * 3_600_000;
const gateway = start(fixture('soak-gateway'), {
  args: values.plain ? ['plain'] : [],
  ipc: true,
  timeoutMs: day,
});
const { url, caFile } = await ask(gateway);
const started = performance.now();
const sender = start(fixture('soak-sender'), {
  input: { gateways: url, sends },
  env: { NODE_EXTRA_CA_CERTS: caFile },
  flags: ['--expose-gc'],
  ipc: true,
  timeoutMs: day,
});
const samples = [];
sender.child.on('message', (sample) => {
  samples.push(sample);
  const { sent, rss, heap } = sample;
  console.log(`${String(sent).padStart(8)} sent  ${mb(rss)} resident  ${mb(heap)} of JavaScript`);
});
const { code, signal, stderr } = await sender.ended;
const seconds = (performance.now() - started) / 1000;
const asking = ask(gateway);
gateway.child.send('how much');
const seen = await asking;
gateway.child.disconnect();
await gateway.ended;

if (code !== 0) throw new Error(`the sender ended with ${signal ?? code}: ${stderr}`);
const { counts } = samples.at(-1);
// What the allocators and the pools take at first is not growth.
const warm = samples.slice(4);
const growth = warm.at(-1).rss - warm[0].rss;
const peak = Math.max(...warm.map(({ rss }) => rss));
const perSend = (growth * 2 ** 20) / (sends * 0.8);

console.log(
  `${sends} sends in ${seconds.toFixed(0)} s on ${availableParallelism()} cores: ` +
    `${counts.accepted} accepted, ${counts.refused} refused, ${counts.odd} otherwise; ` +
    `the gateway saw ${seen.asked} requests over ${seen.opened} connections`,
);
console.log(
  `resident ${mb(warm[0].rss)} after ${warm[0].sent}, ${mb(warm.at(-1).rss)} at the end, ${mb(peak)} at most: ` +
    `${growth.toFixed(1)} MB more, ${perSend.toFixed(1)} bytes a send; at most ${boundMb} MB is fine`,
);
const broken = [
  growth > boundMb && 'memory grows',
  seen.asked !== sends && 'a message was lost or doubled',
  counts.odd > 0 && 'something else came of some messages',
  counts.refused !== seen.refused && 'refusals were taken for something else',
].filter(Boolean);
for (const sentence of broken) console.log(`FAILED: ${sentence}`);
if (broken.length > 0) process.exitCode = 1;

function mb(value) {
  return `${value.toFixed(1).padStart(6)} MB`;
}
