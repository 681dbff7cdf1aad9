import assert from 'node:assert/strict';
import { copyFile, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import semver from 'semver';

import { answerOf, fixture, temporaryFolder } from '../support/child.mjs';
import { validConfig } from '../support/configs.mjs';
import { layOutCore, pack, unpack } from '../support/core.mjs';
import { message, openGateway } from '../support/setup.mjs';

const KITS = ['@logto/connector-kit', 'kit-2.1', 'kit-3.0', 'kit-4.7', 'kit-5.0.1', 'kit-5.1.1'];

let gateway;

before(async () => {
  gateway = await openGateway();
});

after(() => gateway.stop());

let tarball;

before(async () => {
  tarball = await pack(temporaryFolder());
});

async function load(kit) {
  const cwd = path.join(temporaryFolder(), 'core');
  await layOutCore(cwd, kit);
  const connector = await unpack(tarball, path.join(cwd, 'connectors/connector-smsaero-native'));
  const program = path.join(cwd, 'core-loader.mjs');
  await copyFile(fixture('core-loader'), program);
  const input = { folder: connector, message: message(), config: validConfig() };
  return answerOf(program, { cwd, input, env: { SMSAERO_GATEWAYS: gateway.url } });
}

describe("Logto's loader", () => {
  for (const kit of KITS) {
    test(`the loader of @logto/cli loads the tarball beside ${kit}`, async () => {
      const loaded = await load(kit);
      assert.equal(loaded.count, 1);
      assert.deepEqual(loaded.keys, ['metadata', 'type', 'configGuard', 'sendMessage']);
      assert.equal(loaded.type, 'Sms');
      assert.equal(loaded.acceptedByGuard, true);
      assert.equal(loaded.receipt.gateway, gateway.url);
      assert.deepEqual(loaded.asked, ['smsaero-short-message-service']);
      assert.deepEqual(loaded.classes, [true, true, true, true]);
      assert.deepEqual(loaded.codes, ['invalid_config', 'template_not_found', 'not_implemented', 'invalid_config']);
      assert.deepEqual(loaded.zod, [true, true]);
      assert.deepEqual(loaded.metadata, loaded.rawMetadata);
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
    const folder = await unpack(tarball, temporaryFolder());
    const { name, dependencies, peerDependencies, scripts, type, main } = JSON.parse(
      await readFile(path.join(folder, 'package.json'), 'utf8'),
    );
    assert.match(name, /^connector-/);
    assert.equal(type, 'module');
    assert.equal(path.normalize(main), path.normalize('lib/index.js'));
    assert.equal(peerDependencies, undefined);
    assert.ok(dependencies['@logto/connector-kit']);
    for (const hook of ['preinstall', 'install', 'postinstall', 'prepare']) assert.equal(scripts?.[hook], undefined);
    await assert.rejects(stat(path.join(folder, 'node_modules')));
  });

  test('the range of the kit holds what was tested and the next minor', async () => {
    const read = async (name) =>
      JSON.parse(await readFile(new URL(`../../node_modules/${name}/package.json`, import.meta.url)));
    const { dependencies } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url)));
    const range = dependencies['@logto/connector-kit'];
    for (const kit of KITS) assert.ok(semver.satisfies((await read(kit)).version, range), kit);
    const { version } = await read('@logto/connector-kit');
    assert.ok(semver.satisfies(semver.inc(version, 'minor'), range));
    assert.ok(!semver.satisfies(semver.inc(version, 'major'), range), 'a major that nobody has tested');
    const { version: zod } = await read('zod');
    assert.ok(semver.satisfies(zod, dependencies.zod));
  });
});
