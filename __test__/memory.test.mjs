import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { run } from './support/child.mjs';
import { validConfig } from './support/configs.mjs';
import { message, openGateway } from './support/setup.mjs';

const MB = 1 << 20;
const cwd = fileURLToPath(new URL('..', import.meta.url));

let gateway;

before(async () => {
  gateway = await openGateway({ keep: 1 });
});

after(() => gateway.stop());

const MEASURE = `
import { setImmediate } from 'node:timers/promises';

import createConnector, { sendMessage } from './__test__/support/package.mjs';

const [url, message, config] = JSON.parse(process.argv[2] ?? '[]');
const settled = async () => {
  // Finalizers of Node-API run after the collection that found their objects.
  for (let round = 0; round < 5; round += 1) {
    globalThis.gc();
    await setImmediate();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};
const growth = async (warmUp, repeats, work) => {
  await work(warmUp);
  const first = await settled();
  await work(repeats);
  console.log((await settled()) - first);
};
`;

async function growth(work) {
  const args = [JSON.stringify([gateway.url, message(), validConfig()])];
  return run(`${MEASURE}${work}`, { cwd, args, flags: ['--expose-gc'] });
}

test('createConnector in Logto-shaped code leaves nothing behind', async (t) => {
  // As in core: the closure that finds the configuration holds the list that the connector goes into.
  const bytes = await growth(`
    await growth(5_000, 100_000, async (times) => {
      for (let index = 0; index < times; index += 1) {
        const rows = [{ connectorId: 'smsaero', config, filler: new Array(20).fill(index) }];
        const connectors = [];
        const getConfig = async (id) => [connectors, rows].flat().find((row) => row.connectorId === id)?.config;
        const rawConnector = await createConnector({ getConfig });
        connectors.push({ ...rawConnector, dbEntry: rows[0], getConfig });
      }
    });
  `);
  t.diagnostic(`${bytes} bytes more`);
  assert.ok(bytes < 5 * MB);
});

test('a connector is collected although its getConfig holds it', async () => {
  const collected = await run(
    `${MEASURE}
    let collected = 0;
    const registry = new FinalizationRegistry(() => (collected += 1));
    for (let index = 0; index < 1000; index += 1) {
      const cycle = {};
      cycle.connector = await createConnector({ getConfig: async () => cycle.connector });
      registry.register(cycle, 0);
    }
    await settled();
    console.log(collected);
    `,
    { cwd, flags: ['--expose-gc'] },
  );
  assert.ok(collected > 900, `only ${collected} of 1000 were collected`);
});

test('messages leave nothing behind', async (t) => {
  const bytes = await growth(`
    await growth(500, 2_000, async (times) => {
      for (let index = 0; index < times; index += 20) {
        await Promise.all(Array.from({ length: 20 }, () => sendMessage(message, config, { gateways: url })));
      }
    });
  `);
  t.diagnostic(`${bytes} bytes more`);
  assert.ok(bytes < 2 * MB);
});

test('refused messages leave nothing behind', async (t) => {
  const bytes = await growth(`
    const connector = await createConnector({ getConfig: async () => { throw new Error('no row'); }, gateways: url });
    const calls = [
      () => sendMessage({ ...message, to: undefined }, config, { gateways: url }),
      () => sendMessage({ ...message, type: 'BindMfa' }, config, { gateways: url }),
      () => sendMessage({ ...message, to: '1' }, config, { gateways: url }),
      () => sendMessage(message, { ...config, templates: [5] }, { gateways: url }),
      () => connector.sendMessage(message),
    ];
    await growth(200, 1_000, async (times) => {
      for (let index = 0; index < times; index += 1) {
        await Promise.allSettled(calls.map((call) => call()));
      }
    });
  `);
  t.diagnostic(`${bytes} bytes more`);
  assert.ok(bytes < 2 * MB);
});

test('the guard leaves nothing behind', async (t) => {
  const bytes = await growth(`
    const { configGuard } = await createConnector({ getConfig: async () => config });
    await growth(500, 10_000, async (times) => {
      for (let index = 0; index < times; index += 1) {
        configGuard.safeParse(config);
        configGuard.safeParse({ ...config, email: 'none', templates: [{}] });
        // Handles of one turn live until its end.
        if (index % 100 === 0) await setImmediate();
      }
    });
  `);
  t.diagnostic(`${bytes} bytes more`);
  assert.ok(bytes < 2 * MB);
});
