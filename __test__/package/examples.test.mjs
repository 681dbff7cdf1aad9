import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import { before, describe, test } from 'node:test';

import { chromium, prepare } from '../../examples/prepare.js';
import { environment, execute, fixture } from '../support/child.mjs';

let folder;
let env;

before(async () => {
  folder = await prepare();
  env = environment({ CHROMIUM: await chromium() });
  // The examples name their own.
  delete env.SMSAERO_GATEWAYS;
});

const sees = async (args, passed) => {
  const { code, output } = await execute([process.execPath, ...args], { cwd: folder, env }).ended;
  assert.equal(code, 0, output);
  assert.match(output, passed);
};

describe('examples', () => {
  test('node:test fetches the code', () =>
    sees(['--test', '--test-reporter=tap', 'node-test/sign-in.test.js'], /# pass 2\n/));

  test('the shop welcomes nobody without a code, and survives what is not JSON', async () => {
    await copyFile(fixture('shop-answers'), path.join(folder, 'shop-answers.mjs'));
    await sees(['shop-answers.mjs'], /as it should/);
  });

  test('vitest fetches the code', () => {
    const vitest = path.join(folder, 'node_modules/vitest/vitest.mjs');
    return sees([vitest, 'run', '--root', '.', '--no-color', 'vitest/'], /2 passed/);
  });

  test('a person in Chromium signs in with the code', () =>
    sees(['--test', '--test-reporter=tap', 'playwright/sign-in.test.js'], /# pass 2\n/));
});
