import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { run, temporaryFolder } from './support/child.mjs';
import { validConfig } from './support/configs.mjs';
import { PACKAGE } from './support/package.mjs';
import { message, openGateway } from './support/setup.mjs';

let gateway;

before(async () => {
  gateway = await openGateway();
});

after(() => gateway.stop());

/** The package where nothing else is, as in a test harness that has neither Logto nor its kit. */
async function alone() {
  const folder = await temporaryFolder();
  for (let above = folder; above !== path.dirname(above); above = path.dirname(above)) {
    assert.ok(!existsSync(path.join(above, 'node_modules')), `${above} has node_modules`);
  }
  await mkdir(path.join(folder, 'package'));
  await cp(path.join(PACKAGE, 'lib'), path.join(folder, 'package', 'lib'), { recursive: true });
  await copyFile(path.join(PACKAGE, 'package.json'), path.join(folder, 'package', 'package.json'));
  return folder;
}

const told = `
const told = (error) => ({
  isError: error instanceof Error,
  class: error.constructor.name,
  hasOwnName: Object.hasOwn(error, 'name'),
  code: error.code,
  message: error.message,
  data: error.data,
  dataName: error.data?.name,
  issues: error.data?.issues,
  errors: error.data?.errors,
});
const settled = (promise) => promise.then((receipt) => ({ receipt }), (error) => ({ error: told(error) }));
`;

const body = `
${told}
const [url, message, config] = JSON.parse(process.argv[2]);
const options = { gateways: [url] };
const connector = await createConnector({ getConfig: async () => config, ...options });
const results = {
  sent: await settled(sendMessage(message, config, options)),
  stored: await settled(connector.sendMessage(message)),
  invalid: await settled(sendMessage(message, { ...config, email: 'none' }, options)),
  noTemplate: await settled(sendMessage({ ...message, type: 'BindMfa' }, config, options)),
  incomplete: await settled(sendMessage({}, config, options)),
  refused: await settled(sendMessage(message, { ...config, apiKey: 'wrong' }, options)),
  guard: connector.configGuard.safeParse({}).error.issues.length,
  guardName: connector.configGuard.safeParse({}).error.name,
  keys: Object.keys(connector),
};
console.log(JSON.stringify(results));
`;

function assertWorks({
  sent,
  stored,
  invalid,
  noTemplate,
  incomplete,
  refused,
  guard,
  guardName,
  keys,
}) {
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

function argument() {
  const config = validConfig();
  const { email, apiKey } = config;
  Object.assign(gateway.account, { email, apiKey, allowAnyCredentials: false });
  return JSON.stringify([gateway.url, message(), config]);
}

const door = (folder) => JSON.stringify(path.join(folder, 'package/lib/index.js'));

test('without Logto, kit and zod it sends, and fails with errors of the same shape', async () => {
  const cwd = await alone();
  const source = `const { createConnector, sendMessage } = await import(${door(cwd)});${body}`;
  assertWorks(await run(source, { cwd, args: [argument()] }));
});

test('the addon alone, loaded by require, gives a working createConnector and sendMessage', async () => {
  const cwd = await alone();
  const source = `
    import { readdirSync } from 'node:fs';
    import { createRequire } from 'node:module';
    const require = createRequire(process.cwd() + '/package/lib/index.js');
    const errors = [];
    const addon = readdirSync('package/lib').filter((name) => name.endsWith('.node')).flatMap((name) => {
      try { return [require('./' + name)]; } catch (error) { errors.push(error.message); return []; }
    })[0];
    if (!addon) throw new Error(errors.join());
    const { createConnector, sendMessage } = addon;
    ${body}`;
  assertWorks(await run(source, { cwd, args: [argument()] }));
});

test('a process that has nothing else to do ends, and not before its message is settled', async () => {
  const cwd = await alone();
  const source = `
    const { sendMessage } = await import(${door(cwd)});
    const [url, message, config] = JSON.parse(process.argv[2]);
    sendMessage(message, config, { gateways: url }).then((receipt) => console.log(JSON.stringify(receipt)));
  `;
  gateway.failNext({ kind: 'slow', delayMs: 100 });
  assert.equal((await run(source, { cwd, args: [argument()] })).gateway, gateway.url);
});

test('a folder without a binary for this machine says so in one sentence', async () => {
  const cwd = await alone();
  const source = `
    import { readdirSync, rmSync } from 'node:fs';
    for (const name of readdirSync('package/lib')) if (name.endsWith('.node')) rmSync('package/lib/' + name);
    const error = await import(${door(cwd)}).catch((error) => error);
    console.log(JSON.stringify({ isError: error instanceof Error, message: error.message }));
  `;
  const { isError, message: words } = await run(source, { cwd });
  assert.equal(isError, true);
  assert.match(words, /^connector-smsaero-native/);
  assert.ok(words.includes(`${process.platform}-${process.arch}`));
  assert.ok(!words.includes('\n'));
});
