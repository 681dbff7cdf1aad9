import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { before, test } from 'node:test';

import { chromium, prepare } from '../examples/prepare.js';

let kitchen;
let env;

before(async () => {
  kitchen = await prepare();
  env = { ...process.env, CHROMIUM: await chromium() };
  // Node would take the inner test run for a part of this one, and a gateway set outside for the example's.
  delete env.NODE_TEST_CONTEXT;
  delete env.SMSAERO_GATEWAYS;
});

const run = (args) =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      args,
      { cwd: kitchen, env, timeout: 120_000 },
      (error, stdout, stderr) => {
        resolve({ code: error?.code ?? 0, output: `${stdout}\n${stderr}` });
      },
    );
  });

const sees = async (args, passed) => {
  const { code, output } = await run(args);
  assert.equal(code, 0, output);
  assert.match(output, passed);
};

test('node:test fetches the code', () =>
  sees(['--test', '--test-reporter=tap', 'node-test/sign-in.test.js'], /# pass 2\n/));

test('the shop welcomes nobody without a code, and survives what is not JSON', async () => {
  const source = `
    import assert from 'node:assert/strict';
    import { startShop } from './shop.js';
    const shop = await startShop({ gateways: 'http://127.0.0.1:9' });
    const post = async (path, body) => (await fetch(shop.url + path, { method: 'POST', body })).status;
    for (const body of ['{"code":null}', '{}', 'null', '{"code":""}'])
      assert.equal(await post('/sign-in', body), 401, body);
    for (const path of ['/sign-in', '/code']) assert.equal(await post(path, 'code=1'), 400, path);
    await shop.stop();
    console.log('as it should');
  `;
  await sees(['--input-type=module', '--eval', source], /as it should/);
});

test('vitest fetches the code', () => {
  const vitest = path.join(kitchen, 'node_modules/vitest/vitest.mjs');
  return sees([vitest, 'run', '--root', '.', '--no-color', 'vitest/'], /2 passed/);
});

test('a person in Chromium signs in with the code', () =>
  sees(['--test', '--test-reporter=tap', 'playwright/sign-in.test.js'], /# pass 2\n/));
