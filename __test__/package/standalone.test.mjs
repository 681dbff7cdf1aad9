import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { answerOf, fixture, start, temporaryFolder } from '../support/child.mjs';
import { validConfig } from '../support/configs.mjs';
import { PACKAGE } from '../support/package.mjs';
import { message, openGateway } from '../support/setup.mjs';

let gateway;

before(async () => {
  gateway = await openGateway();
});

after(() => gateway.stop());

/** The package where nothing else is, as in a test harness that has neither Logto nor its kit. */
async function alone() {
  const folder = path.join(temporaryFolder(), 'package');
  for (let above = folder; above !== path.dirname(above); above = path.dirname(above)) {
    assert.ok(!existsSync(path.join(above, 'node_modules')), `${above} has node_modules`);
  }
  await mkdir(folder);
  await cp(path.join(PACKAGE, 'lib'), path.join(folder, 'lib'), { recursive: true });
  await copyFile(path.join(PACKAGE, 'package.json'), path.join(folder, 'package.json'));
  return folder;
}

function assertPlain({ status, balance, senderNames, plainErrors }) {
  assert.equal(status.receipt.state, 'queued');
  assert.equal(typeof balance.receipt, 'number');
  assert.ok(senderNames.receipt.every(({ isApproved }) => isApproved));
  assert.deepEqual(
    plainErrors.map(({ error }) => [error.class, error.code, error.data.reason]),
    [
      ['ConnectorError', 'invalid_request_parameters', 'validation'],
      ['ConnectorError', 'invalid_request_parameters', 'validation'],
      ['ConnectorError', 'general', 'unauthorized'],
      ['ConnectorError', 'invalid_request_parameters', 'validation'],
    ],
  );
}

function assertWorks({ sent, stored, invalid, noTemplate, incomplete, refused, guard, guardName, keys, ...plain }) {
  assertPlain(plain);
  for (const { receipt } of [sent, stored]) assert.equal(receipt.gateway, gateway.url);
  for (const { error } of [invalid, noTemplate, incomplete, refused]) {
    assert.equal(error.isError, true);
    assert.equal(error.class, 'ConnectorError');
    assert.equal(error.hasOwnName, false, 'which the error of the kit has not');
    assert.match(error.message, /^ConnectorError: /);
  }
  assert.equal(invalid.error.code, 'invalid_config');
  assert.equal(invalid.error.dataName, 'ZodError');
  assert.deepEqual(invalid.error.issues, [
    { validation: 'email', code: 'invalid_string', message: 'Invalid email', path: ['email'] },
  ]);
  assert.deepEqual(invalid.error.errors, invalid.error.issues);
  assert.equal(noTemplate.error.code, 'template_not_found');
  assert.deepEqual(noTemplate.error.data, { message: 'Cannot find template for type: BindMfa' });
  assert.equal(incomplete.error.code, 'invalid_request_parameters');
  assert.match(incomplete.error.data.message, /data\.to/);
  assert.equal(refused.error.code, 'general');
  assert.equal(refused.error.data.reason, 'unauthorized');
  assert.equal(refused.error.data.status, 401);
  assert.equal(guard, 4);
  assert.equal(guardName, 'ZodError');
  assert.deepEqual(keys, ['metadata', 'type', 'configGuard', 'sendMessage']);
}

/** Runs the fixture with the package of this folder. */
function runWith(folder, { isAddonAlone, args } = {}) {
  const config = validConfig();
  const { email, apiKey } = config;
  Object.assign(gateway.account, { email, apiKey, allowAnyCredentials: false });
  const input = { folder, gateways: gateway.url, message: message(), config, isAddonAlone };
  return start(fixture('standalone'), { cwd: folder, input, args }).ended;
}

const answer = ({ code, stdout, output }) => {
  assert.equal(code, 0, output);
  return JSON.parse(stdout);
};

describe('the package without Logto', () => {
  test('without Logto, kit and zod it sends, and fails with errors of the same shape', async () => {
    assertWorks(answer(await runWith(await alone())));
  });

  test('the addon alone, loaded by require, gives all of it', async () => {
    assertWorks(answer(await runWith(await alone(), { isAddonAlone: true })));
  });

  test('a process that has nothing else to do ends, and not before its message is settled', async () => {
    gateway.failNext({ kind: 'slow', delayMs: 100 });
    const receipt = answer(await runWith(await alone(), { args: ['unawaited'] }));
    assert.equal(receipt.gateway, gateway.url);
  });

  test('a folder without a binary for this machine says so in one sentence', async () => {
    const folder = await alone();
    const lib = path.join(folder, 'lib');
    for (const name of await readdir(lib)) {
      if (name.endsWith('.node')) await rm(path.join(lib, name));
    }
    const { isError, message: words } = await answerOf(fixture('import-package'), {
      input: { folder },
    });
    assert.equal(isError, true);
    assert.match(words, /^connector-smsaero-native/);
    assert.ok(words.includes(`${process.platform}-${process.arch}`));
    assert.ok(!words.includes('\n'));
  });
});
