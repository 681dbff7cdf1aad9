import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';

import semver from 'semver';

import { run, temporaryFolder } from './support/child.mjs';
import { validConfig } from './support/configs.mjs';
import { layOutCore, pack, unpack } from './support/core.mjs';
import { message, openGateway } from './support/setup.mjs';

const KITS = ['@logto/connector-kit', 'kit-2.1', 'kit-3.0', 'kit-4.7', 'kit-5.0.1', 'kit-5.1.1'];

let gateway;

before(async () => {
  gateway = await openGateway();
});

after(() => gateway.stop());

// Runs inside a core, so that bare names mean what they mean to the loader and to the connector.
const LOAD = `
import { buildRawConnector, loadConnectorFactories } from '@logto/cli/lib/connector/index.js';
import * as kit from '@logto/connector-kit';
import { ZodError } from 'zod';

const [folder, message, config] = JSON.parse(process.argv[2]);
const { ConnectorError, connectorMetadataGuard, validateConfig } = kit;
const factories = await loadConnectorFactories([{ name: 'connector-smsaero-native', path: folder }], false);
const [factory] = factories;
const asked = [];
const { rawConnector, rawMetadata } = await buildRawConnector(factory, async (id) => {
  asked.push(id);
  return config;
});

// What core makes of it.
const connector = { ...rawConnector, metadata: rawMetadata };
const { sendMessage } = connector;
const caught = (promise) => promise.then(() => undefined, (error) => error);
const invalid = await caught(sendMessage(message, { ...config, email: 'none' }));
const noTemplate = await caught(sendMessage({ ...message, type: 'BindMfa' }, config));
const bare = await buildRawConnector(factory);
const notImplemented = await caught(bare.rawConnector.sendMessage(message));
let refused;
try {
  validateConfig({}, rawConnector.configGuard);
} catch (error) {
  refused = error;
}
validateConfig(config, rawConnector.configGuard);

console.log(JSON.stringify({
  count: factories.length,
  keys: Object.keys(rawConnector),
  type: connector.type,
  metadata: factory.metadata,
  rawMetadata,
  acceptedByGuard: connectorMetadataGuard.safeParse(rawMetadata).success,
  receipt: await sendMessage(message),
  asked,
  classes: [invalid, noTemplate, notImplemented, refused].map((error) => error instanceof ConnectorError),
  codes: [invalid, noTemplate, notImplemented, refused].map(({ code }) => code),
  zod: [invalid, refused].map(({ data }) => data instanceof ZodError),
}));
`;

let tarball;

before(async () => {
  tarball = await pack(await temporaryFolder());
});

async function load(kit) {
  const cwd = path.join(await temporaryFolder(), 'core');
  await layOutCore(cwd, kit);
  const connector = await unpack(tarball, path.join(cwd, 'connectors/connector-smsaero-native'));
  const args = [JSON.stringify([connector, message(), validConfig()])];
  return run(LOAD, { cwd, args, env: { SMSAERO_GATEWAYS: gateway.url } });
}

for (const kit of KITS) {
  test(`the loader of @logto/cli loads the tarball beside ${kit}`, async () => {
    const told = await load(kit);
    assert.equal(told.count, 1);
    assert.deepEqual(told.keys, ['metadata', 'type', 'configGuard', 'sendMessage']);
    assert.equal(told.type, 'Sms');
    assert.equal(told.acceptedByGuard, true);
    assert.equal(told.receipt.gateway, gateway.url);
    assert.deepEqual(told.asked, ['smsaero-short-message-service']);
    assert.deepEqual(told.classes, [true, true, true, true]);
    assert.deepEqual(told.codes, [
      'invalid_config',
      'template_not_found',
      'not_implemented',
      'invalid_config',
    ]);
    assert.deepEqual(told.zod, [true, true]);
    assert.deepEqual(told.metadata, told.rawMetadata);
  });
}

test('Console gets the logo and the guide', async (t) => {
  const { logo, logoDark, readme } = (await load('@logto/connector-kit')).metadata;
  await t.test('a square picture of our own', () => {
    const [head, data] = logo.split(',');
    assert.equal(head, 'data:image/svg+xml;base64', 'the logo is in the tarball');
    const svg = Buffer.from(data, 'base64').toString();
    const [, width, height] = /viewBox="[\d.-]+ [\d.-]+ ([\d.]+) ([\d.]+)"/.exec(svg);
    assert.equal(width, height);
    assert.doesNotMatch(svg, /<script|href=|url\(http/);
    assert.equal(logoDark, null);
  });
  await t.test('Markdown as Console renders it', () => {
    assert.match(readme, /^# \S/, 'the guide is in the tarball, and its title comes first');
    const prose = readme.replaceAll(/```[\s\S]*?```/g, '').replaceAll(/`[^`\n]*`/g, '');
    assert.equal(prose.match(/^# /gm).length, 1, 'a single title');
    assert.doesNotMatch(prose, /<\/?[a-z][^>\n]*>/i, 'no raw HTML');
    for (const [, target] of prose.matchAll(/\]\(([^)]*)\)/g)) {
      assert.match(target, /^(https:\/\/|#)/, 'no relative link or image');
    }
  });
});

test('the tarball is a package that Logto can add without installing anything', async () => {
  const folder = await unpack(tarball, await temporaryFolder());
  const { name, dependencies, peerDependencies, scripts, type, main } = JSON.parse(
    await readFile(path.join(folder, 'package.json'), 'utf8'),
  );
  assert.match(name, /^connector-/);
  assert.equal(type, 'module');
  assert.equal(path.normalize(main), path.normalize('lib/index.js'));
  assert.equal(peerDependencies, undefined);
  assert.ok(dependencies['@logto/connector-kit']);
  for (const hook of ['preinstall', 'install', 'postinstall', 'prepare'])
    assert.equal(scripts?.[hook], undefined);
  await assert.rejects(stat(path.join(folder, 'node_modules')));
});

test('the range of the kit holds what was tested and the next minor', async () => {
  const read = async (name) =>
    JSON.parse(await readFile(new URL(`../node_modules/${name}/package.json`, import.meta.url)));
  const { dependencies } = JSON.parse(await readFile(new URL('../package.json', import.meta.url)));
  const range = dependencies['@logto/connector-kit'];
  for (const kit of KITS) assert.ok(semver.satisfies((await read(kit)).version, range), kit);
  const { version } = await read('@logto/connector-kit');
  assert.ok(semver.satisfies(semver.inc(version, 'minor'), range));
  assert.ok(
    !semver.satisfies(semver.inc(version, 'major'), range),
    'a major that nobody has tested',
  );
  const { version: zod } = await read('zod');
  assert.ok(semver.satisfies(zod, dependencies.zod));
});
