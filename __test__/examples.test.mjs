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

test('vitest fetches the code', () => {
  const vitest = path.join(kitchen, 'node_modules/vitest/vitest.mjs');
  return sees([vitest, 'run', '--root', '.', '--no-color', 'vitest/'], /2 passed/);
});

test('a person in Chromium signs in with the code', () =>
  sees(['--test', '--test-reporter=tap', 'playwright/sign-in.test.js'], /# pass 2\n/));
