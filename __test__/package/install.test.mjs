import assert from 'node:assert/strict';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { execute, fixture, temporaryFolder } from '../support/child.mjs';
import { validConfig } from '../support/configs.mjs';
import { pack } from '../support/core.mjs';
import { environment, layOutLogto, logto, startCore } from '../support/logto.mjs';
import { CHECKOUT } from '../support/package.mjs';
import { packInstalled, startRegistry } from '../support/registry.mjs';
import { message, openGateway } from '../support/setup.mjs';

const OURS = 'connector-smsaero-native';
const OFFICIAL = '@logto/connector-smsaero';
const ID = 'smsaero-short-message-service';
// With keys of ours, which the official connector passes over.
const stored = validConfig({ fallbackToGeneric: true, testMode: false, allowedPrefixes: '7' });

let gateway;
let registry;
let closed;
let tarball;

before(async () => {
  gateway = await openGateway();
  tarball = await pack(temporaryFolder());
  const official = await packInstalled(path.join(CHECKOUT, 'node_modules', OFFICIAL));
  registry = await startRegistry({ tarballs: [tarball, official] });
  closed = await startRegistry({ isOpen: false });
});

after(() => Promise.all([gateway.stop(), registry.stop(), closed.stop()]));

const begin = (place) => {
  gateway.clear();
  return startCore(place, gateway, [message(), stored]);
};

async function done(place, from, ...args) {
  const { code, output } = await logto(place, from, ...args);
  assert.equal(code, 0, output);
  assert.doesNotMatch(output, /error|fail/i);
  return output;
}

async function assertOurs(place) {
  const { connectors, requests } = await begin(place);
  const folder = path.join(place.connectors, OURS);
  assert.deepEqual(connectors, [{ id: ID, folder, success: true, outcome: 'sent' }]);
  assert.equal(gateway.messages.length, 1);
  assert.deepEqual(requests, []);
}

describe('installing in Logto', () => {
  test('`logto connector add` by name, from a registry', async () => {
    const place = await layOutLogto();
    assert.match(await done(place, registry, 'add', OURS), /Added connector-smsaero-native v\d/);
    assert.deepEqual(await readdir(place.connectors), [OURS]);
    const added = await readdir(path.join(place.connectors, OURS));
    assert.ok(added.includes('package.json') && !added.includes('node_modules'));
    await assertOurs(place);
    // Once more is an upgrade.
    await done(place, registry, 'add', OURS);
    assert.deepEqual(await readdir(place.connectors), [OURS]);
    assert.match(await done(place, registry, 'list'), /3RD-PARTY\s+connector-smsaero-native/);
  });

  test('`logto connector add` by tarball, without a network', async () => {
    const place = await layOutLogto();
    await done(place, closed, 'add', tarball);
    assert.deepEqual(await readdir(place.connectors), [OURS]);
    assert.deepEqual(closed.asked, []);
    await assertOurs(place);
  });

  test('a tarball is looked for from the folder of the connectors, so its whole path is named', async () => {
    const place = await layOutLogto();
    const name = path.basename(tarball);
    await copyFile(tarball, path.join(place.instance, name));
    const { output } = await logto(place, closed, 'add', `./${name}`);
    assert.match(output, /Failed to add/);
    await done(place, closed, 'add', path.join(place.instance, name));
    await assertOurs(place);
  });

  /** What goes over the wire, as far as SMS Aero looks at it. */
  const wire = ({ method, path: url, headers, body }) => ({
    method,
    url,
    authorization: String(headers.authorization),
    type: String(headers['content-type']),
    body,
  });

  test('it takes the place of the official one, and gives it back, with the same stored configuration', async () => {
    const place = await layOutLogto();
    await done(place, registry, 'add', OFFICIAL);
    const before = await begin(place);
    assert.deepEqual(
      before.connectors.map(({ id, success, outcome }) => [id, success, outcome]),
      [[ID, true, 'sent']],
    );

    await done(place, registry, 'remove', OFFICIAL);
    await done(place, registry, 'add', OURS);
    await assertOurs(place);
    const [request] = gateway.requests.map(wire);
    assert.deepEqual(before.requests.map(wire), [request]);

    await done(place, registry, 'remove', OURS);
    await done(place, registry, 'add', OFFICIAL);
    const afterwards = await begin(place);
    assert.deepEqual(afterwards.connectors, before.connectors);
    assert.deepEqual(afterwards.requests.map(wire), [request]);
    assert.equal(gateway.messages.length, 0);
  });

  for (const [keeper, goner] of [
    [OURS, OFFICIAL],
    [OFFICIAL, OURS],
  ]) {
    test(`both have one id, on which core gives up; without the folder of ${goner} it starts`, async () => {
      const place = await layOutLogto();
      await done(place, registry, 'add', OFFICIAL, OURS);
      const { connectors, folders } = await begin(place);
      // Core counts ids, finds fewer than connectors, and ends with `connector.more_than_one_connector_factory`.
      assert.deepEqual(
        connectors.map(({ id }) => id),
        [ID, ID],
      );
      const { path: folder } = folders.find(({ name }) => name === goner);
      await rm(folder, { recursive: true });
      const { connectors: left } = await begin(place);
      assert.deepEqual(
        left.map(({ id, success, outcome }) => [id, success, outcome]),
        [[ID, true, 'sent']],
      );
      assert.match(await done(place, registry, 'list'), new RegExp(`${keeper}\\n`));
    });
  }

  test('Logto says why, when the binary is missing, and starts without the connector', async () => {
    const place = await layOutLogto();
    await done(place, closed, 'add', tarball);
    const lib = path.join(place.connectors, OURS, 'lib');
    for (const name of await readdir(lib)) {
      if (name.endsWith('.node')) await rm(path.join(lib, name));
    }
    const { connectors, lines } = await begin(place);
    assert.deepEqual(connectors, []);
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(
      lines[0],
      /skip .*connector-smsaero-native.* cannot load its native part on .* install the published tarball/,
    );
  });

  test('npm installs it with --ignore-scripts, from a registry, beside the kit', async () => {
    const home = temporaryFolder();
    const app = path.join(home, 'app');
    await mkdir(app);
    await writeFile(path.join(app, 'package.json'), '{"private":true,"type":"module"}');
    const npm = ['install', '--ignore-scripts', '--no-audit', '--no-fund', OURS];
    const options = {
      cwd: app,
      env: environment({ home }, registry),
      shell: process.platform === 'win32',
    };
    const { code, output } = await execute(['npm', ...npm], options).ended;
    assert.equal(code, 0, output);
    const program = path.join(app, 'installed.mjs');
    await copyFile(fixture('installed'), program);
    const input = { message: message(), config: stored };
    const command = [process.execPath, program, JSON.stringify(input)];
    const sent = await execute(command, options).ended;
    assert.equal(sent.output, 'true true\n');
    const { scripts = {} } = JSON.parse(await readFile(path.join(app, 'node_modules', OURS, 'package.json'), 'utf8'));
    const hooks = Object.keys(scripts).filter((name) => /^(pre|post)?(install|prepare|publish)/.test(name));
    assert.deepEqual(hooks, []);
  });
});
