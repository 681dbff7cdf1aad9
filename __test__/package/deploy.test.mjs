// What the examples in deploy/ tell a container to do, done to a Logto in a folder.

import assert from 'node:assert/strict';
import { chmod, copyFile, cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { execute, temporaryFolder } from '../support/child.mjs';
import { validConfig } from '../support/configs.mjs';
import { pack } from '../support/core.mjs';
import { environment, layOutLogto, logto, startCore } from '../support/logto.mjs';
import { CHECKOUT } from '../support/package.mjs';
import { startRegistry } from '../support/registry.mjs';
import { message, openGateway } from '../support/setup.mjs';

const OURS = 'connector-smsaero-native';
const OFFICIAL = '@logto-connector-smsaero';
const skip = process.platform === 'win32' && 'containers of Logto are Linux';

let gateway;
let closed;
let tarball;

before(async () => {
  gateway = await openGateway();
  tarball = await pack(temporaryFolder());
  closed = await startRegistry({ isOpen: false });
});

after(() => Promise.all([gateway.stop(), closed.stop()]));

const read = (name) => readFile(path.join(CHECKOUT, 'deploy', name), 'utf8');

/** A Logto as its image has it: the official connectors are links that lead out of the folder of connectors. */
async function image() {
  const place = await layOutLogto();
  const official = path.join(place.instance, 'packages/connectors/connector-smsaero');
  await cp(path.join(CHECKOUT, 'node_modules/@logto/connector-smsaero'), official, {
    recursive: true,
  });
  const another = path.join(place.instance, 'packages/connectors/connector-another');
  await mkdir(path.join(another, 'lib'), { recursive: true });
  const manifest = { type: 'module', dependencies: { '@logto/connector-kit': '*' } };
  await writeFile(
    path.join(another, 'package.json'),
    JSON.stringify({ ...manifest, name: '@logto/connector-another', version: '1.0.0' }),
  );
  await writeFile(
    path.join(another, 'lib/index.js'),
    `const metadata = { id: 'another', logo: '', logoDark: null, readme: '' };
     const configGuard = { safeParse: () => ({ success: true }) };
     export default async () => ({ metadata, type: 'Email', configGuard, sendMessage: async () => {} });`,
  );
  const { output } = await logto(place, closed, 'link');
  assert.deepEqual(await readdir(place.connectors), ['@logto-connector-another', OFFICIAL], output);
  return place;
}

const shell = (place, from, script, env = {}) =>
  execute(['sh', '-ec', script], {
    cwd: place.instance,
    env: { ...environment(place, from), ...env },
  }).ended;

async function assertStarts(place, within) {
  gateway.clear();
  const { connectors, lines } = await startCore(place, gateway, [message(), validConfig()], within);
  assert.deepEqual(
    connectors.map(({ id, outcome }) => [id, outcome]).sort(),
    [
      ['another', 'sent'],
      ['smsaero-short-message-service', 'sent'],
    ],
    lines.join('\n'),
  );
  assert.equal(gateway.messages.length, 1);
}

/** The commands of the Dockerfile, one for each RUN, with the folders of a container led to folders of the test. */
async function dockerCommands({ instance }, temporary) {
  const text = (await read('Dockerfile')).replaceAll(/\\\n/g, '');
  const runs = [...text.matchAll(/^RUN (.+)$/gm)].map(([, command]) => command);
  assert.equal(runs.length, 2);
  return runs.map((command) => command.replaceAll('/tmp/', `${temporary}/`).replaceAll('/etc/logto', instance));
}

describe('the Dockerfile', { skip }, () => {
  test('puts the connector in the place of the official one, without a registry', async () => {
    const place = await image();
    const temporary = temporaryFolder();
    await copyFile(tarball, path.join(temporary, path.basename(tarball)));
    for (const command of await dockerCommands(place, temporary)) {
      const { code, output } = await shell(place, closed, command);
      assert.equal(code, 0, output);
    }
    assert.deepEqual(await readdir(place.connectors), ['@logto-connector-another', OURS]);
    assert.deepEqual(await readdir(temporary), []);
    assert.deepEqual(closed.asked, []);
    await assertStarts(place);
  });

  test('fails when the connector was not added, or does not load', async () => {
    const place = await image();
    const [, check] = await dockerCommands(place, 'nowhere');
    assert.notEqual((await shell(place, closed, check)).code, 0);
    await logto(place, closed, 'add', tarball);
    assert.equal((await shell(place, closed, check)).code, 0);
    await rm(path.join(place.connectors, OURS, 'lib'), { recursive: true });
    assert.notEqual((await shell(place, closed, check)).code, 0);
  });
});

describe('the Kubernetes example', { skip }, () => {
  test('starts what the Dockerfile makes, of the version of Logto that is tested', async () => {
    const [dockerfile, deployment] = [await read('Dockerfile'), await read('kubernetes.yaml')];
    const { devDependencies } = JSON.parse(await readFile(path.join(CHECKOUT, 'package.json'), 'utf8'));
    const version = devDependencies['@logto/cli'];
    const versions = (text) => [...text.matchAll(/(?:LOGTO_VERSION=|logto-smsaero:)([\d.]+)/g)].map(([, one]) => one);
    assert.deepEqual(versions(dockerfile), [version, version]);
    assert.deepEqual(versions(deployment), [version, version]);
    assert.match(deployment, new RegExp(`^ +image: YOUR_REGISTRY/logto-smsaero:${version}$`, 'm'));
    assert.doesNotMatch(deployment, /initContainers|command:|npm (run|install)/, 'nothing is fetched at the start');
  });

  test('is enough for Logto when its root is read-only', async (t) => {
    const place = await image();
    const temporary = temporaryFolder();
    await copyFile(tarball, path.join(temporary, path.basename(tarball)));
    for (const command of await dockerCommands(place, temporary)) {
      const { code, output } = await shell(place, closed, command);
      assert.equal(code, 0, output);
    }
    const within = await readOnly(t, place);
    if (within) await assertStarts(place, within);
  });
});

/** A command that runs another with everything read-only; tells when that cannot be had. */
async function readOnly(t, { home, connectors }) {
  const mounts = `mount --bind '${home}' '${home}' && mount -o remount,bind,ro '${home}'`;
  // Exit code 9: it could be written to.
  const check = `if touch '${home}/probe' 2>/dev/null; then exit 9; fi`;
  const within = ['unshare', '-rm', 'sh', '-ec', `${mounts}\n${check}\nexec "$@"`, 'sh'];
  const { code: status } = await execute([...within, 'true']).ended.catch(() => ({}));
  if (status === 0) return within;
  assert.notEqual(status, 9);
  if (process.getuid() === 0) {
    t.skip('nothing can be mounted here, and modes do not bind root');
    return null;
  }
  // The second best: no right to write to anything.
  for (const folder of [home, connectors, path.join(connectors, OURS)]) {
    const { mode } = await stat(folder);
    await chmod(folder, mode & 0o555);
    t.after(() => chmod(folder, mode));
  }
  return [];
}
