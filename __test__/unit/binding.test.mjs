import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';

import { binaryName, hostPlatform } from '../../scripts/platforms/targets.js';
import { answerOf, fixture, temporaryFolder } from '../support/child.mjs';
import { validConfig } from '../support/configs.mjs';
import { PACKAGE } from '../support/package.mjs';
import { message } from '../support/setup.mjs';

const own = hostPlatform();
const onLinux = process.platform === 'linux';
const notLinux = !onLinux && 'one binary serves this system';
// On Linux the two C libraries; elsewhere there is no second guess.
const other = onLinux ? own.replace(/(gnu|musl)$/, (libc) => (libc === 'gnu' ? 'musl' : 'gnu')) : null;
const tried = [own, other].filter(Boolean);
const NO_BINARY = /The package holds no binary for this platform: install the published tarball/;
const REFUSED = /The binary is there but was refused: install the package afresh/;
// In the head of an ELF file.
const ARCHITECTURE_AT = 18;
const PERMISSION = ['--permission', '--experimental-permission'].find((flag) =>
  process.allowedNodeEnvironmentFlags.has(flag),
);

const shipped = async () => (await readdir(path.join(PACKAGE, 'lib'))).filter((name) => name.endsWith('.node'));
const read = (platform) => readFile(path.join(PACKAGE, 'lib', binaryName(platform)));

/** The binary of another platform, or what has to do for one in a checkout that was built for this machine only. */
async function foreign(platform) {
  const isThere = (await shipped()).includes(binaryName(platform));
  return isThere ? read(platform) : Buffer.from('for somebody else');
}

/** A package with these binaries, in which nothing else is. */
async function packageWith(binaries) {
  const folder = path.join(temporaryFolder(), 'package');
  await mkdir(path.join(folder, 'lib'), { recursive: true });
  const scripts = (await readdir(path.join(PACKAGE, 'lib'))).filter((name) => name.endsWith('.js'));
  for (const name of ['package.json', ...scripts.map((script) => path.join('lib', script))]) {
    await cp(path.join(PACKAGE, name), path.join(folder, name));
  }
  for (const [platform, bytes] of Object.entries(binaries)) {
    await writeFile(path.join(folder, 'lib', binaryName(platform)), bytes, { mode: 0o755 });
  }
  return folder;
}

/** Imports a package in a Node of its own: the binary that is in use, or the message of the error. */
function load(folder, { changes, ...options } = {}) {
  return answerOf(fixture('import-package'), { input: { folder, ...changes }, ...options });
}

/** What Logto prints: one sentence or two, on one line, with all that is to be known. */
async function refusal(folder, options) {
  const { isError, message } = await load(folder, options);
  assert.equal(isError, true);
  assert.ok(!message.includes('\n'), message);
  assert.match(message, /^connector-smsaero-native cannot load its native part on /);
  assert.ok(message.includes(`Node ${process.version}. Tried `), message);
  return message;
}

async function whole() {
  const entries = tried.map(async (platform) => [
    platform,
    platform === own ? await read(own) : await foreign(platform),
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

describe('loading the native part', () => {
  test(`of several binaries the one for ${own} is in use`, async () => {
    const binaries = { ...(await whole()), 'linux-riscv64-gnu': 'for somebody else' };
    const { used, works, message } = await load(await packageWith(binaries));
    assert.equal(works, true, message);
    // Windows tells of its libraries in another way.
    if (process.platform !== 'win32') assert.deepEqual(used, [binaryName(own)]);
  });

  test('without a binary it says so, and what to do', async () => {
    const message = await refusal(await packageWith({}));
    for (const platform of tried) assert.ok(message.includes(`${platform} (not in the package)`));
    assert.match(message, /In the package: none\./);
    assert.match(message, NO_BINARY);
  });

  test('with binaries for others only it names them, and why the nearest does not do', {
    skip: notLinux,
  }, async () => {
    const arm = 'linux-riscv64-gnu';
    const message = await refusal(await packageWith({ [other]: await foreign(other), [arm]: 'x' }));
    assert.ok(message.includes(`${own} (not in the package), ${other} (`), message);
    assert.doesNotMatch(message, new RegExp(`${other} \\(not in the package`));
    assert.ok(message.includes(`In the package: ${[other, arm].sort().join(', ')}.`), message);
    assert.match(message, NO_BINARY);
  });

  test('with a binary of another architecture under its name it says that it was refused', {
    skip: notLinux,
  }, async (t) => {
    const foreigner = own.replace(process.arch, process.arch === 'x64' ? 'arm64' : 'x64');
    const isThere = (await shipped()).includes(binaryName(foreigner));
    // Only glibc looks at the head; musl finds out by what is to be linked, so that takes a real one.
    if (!isThere && own.endsWith('musl')) return t.skip(`${foreigner} is not in this package`);
    const bytes = await read(isThere ? foreigner : own);
    if (!isThere) bytes.writeUInt16LE(0xfeed, ARCHITECTURE_AT);
    const message = await refusal(await packageWith({ [own]: bytes }));
    assert.ok(!message.includes(`${own} (not in the package`), message);
    assert.match(message, REFUSED);
  });

  test('a binary that is not whole is refused with a sentence, and ends no process', async (t) => {
    const bytes = await read(own);
    const damaged = {
      'an empty file': Buffer.alloc(0),
      'some text': Buffer.from('<html>404</html>\n'),
      'the first bytes': bytes.subarray(0, 40),
      ...(onLinux && {
        'a half': bytes.subarray(0, bytes.length / 2),
        'all but the last byte': bytes.subarray(0, -1),
      }),
    };
    for (const [name, content] of Object.entries(damaged)) {
      await t.test(name, async () => {
        const message = await refusal(await packageWith({ [own]: content }));
        assert.ok(message.includes(`${own} (`) && !message.includes(`${own} (not in`), message);
        assert.match(message, REFUSED);
      });
    }
  });

  test('where the C library was guessed wrong, the other binary is tried', {
    skip: notLinux,
  }, async () => {
    const folder = await packageWith(await whole());
    // A program that says it was started by the other one's loader.
    const program = path.join(folder, 'program');
    await writeFile(program, own.endsWith('musl') ? '/lib64/ld-linux-x86-64.so.2' : '/lib/ld-musl-x86_64.so.1');
    const { used, message, asked } = await load(folder, { changes: { program } });
    assert.ok(
      asked.some((file) => file.endsWith(binaryName(other))),
      'the wrong one was first',
    );
    assert.deepEqual(used, [binaryName(own)], message);
  });

  test('--no-addons is named as the reason, with the remedy', async () => {
    const folder = await packageWith(await whole());
    const message = await refusal(folder, { flags: ['--no-addons'] });
    assert.match(message, /Node was started without native addons: remove --no-addons/);
  });

  const noModel = !PERMISSION && 'this Node has no permission model';

  test('--permission without --allow-addons is named too', { skip: noModel }, async () => {
    const folder = await packageWith(await whole());
    const message = await refusal(folder, { flags: [PERMISSION, '--allow-fs-read=*'] });
    assert.match(message, /or add --allow-addons beside --permission/);
  });

  // `--allow-addons` is younger than the model.
  const noAddons = !process.allowedNodeEnvironmentFlags.has('--allow-addons') && 'this Node cannot allow addons';

  test('--permission with --allow-addons loads, when the package may be read and nothing else', {
    skip: noModel || noAddons,
  }, async () => {
    const folder = await packageWith(await whole());
    const flags = [
      PERMISSION,
      '--allow-addons',
      `--allow-fs-read=${path.join(folder, '*')}`,
      `--allow-fs-read=${fixture('import-package')}`,
    ];
    const { works, message } = await load(folder, { flags, changes: { hasReport: false } });
    assert.equal(works, true, message);
  });

  for (const [platform, arch, candidates] of [
    ['sunos', 'x64', ['sunos-x64']],
    ['freebsd', 'arm64', ['freebsd-arm64']],
    ['darwin', 'ppc64', ['darwin-ppc64']],
    ['win32', 'ia32', ['win32-ia32-msvc']],
    ['linux', 'riscv64', ['linux-riscv64-gnu', 'linux-riscv64-musl']],
  ]) {
    test(`on ${platform}-${arch} it says what there is no binary for`, async () => {
      const message = await refusal(await packageWith({ [own]: await read(own) }), {
        changes: { platform, arch },
      });
      assert.ok(message.includes(`part on ${platform}-${arch}, `), message);
      for (const name of candidates) assert.ok(message.includes(`${name} (not in the package)`));
      assert.ok(message.includes(`In the package: ${own}.`), message);
      assert.match(message, NO_BINARY);
    });
  }
});

describe("a host's class that throws", () => {
  class Hostile extends Error {
    constructor() {
      super();
      throw new RangeError('not today');
    }
  }
  const addon = { exports: {} };
  process.dlopen(addon, path.join(PACKAGE, 'lib', binaryName(own)));
  const { createConnector } = addon.exports.open({ ConnectorError: Hostile });
  // Nothing listens on port 9.
  const connect = (getConfig) => createConnector({ getConfig, gateways: 'http://127.0.0.1:9', timeoutMs: 100 });

  test('is what the send is rejected with, and ends no process', async () => {
    for (const getConfig of [() => new Promise(() => {}), async () => validConfig(), async () => ({})]) {
      const { sendMessage } = await connect(getConfig);
      await assert.rejects(sendMessage(message()), RangeError);
    }
  });
});
