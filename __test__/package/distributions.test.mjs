// What the tasks do on a distribution that is not Debian, or where a tool is missing: nothing fails, the reason is printed.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { environment, execute, temporaryFile, temporaryFolder } from '../support/child.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const RELEASES = {
  Ubuntu: 'NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n',
  Fedora: 'NAME="Fedora Linux"\nID=fedora\nVERSION_ID=43\n',
  Alpine: 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.23.0\n',
  'a system without /etc/os-release': null,
};

/** A module that has everything read another /etc/os-release, and makes `build/` a folder that is empty. */
const disguise = (release) =>
  temporaryFile(
    'disguise.mjs',
    `import fs from 'node:fs';
     import { syncBuiltinESMExports } from 'node:module';
     const { readFileSync } = fs;
     fs.readFileSync = (file, ...rest) => {
       if (file !== '/etc/os-release') return readFileSync(file, ...rest);
       const text = ${JSON.stringify(release)};
       if (text === null) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
       return text;
     };
     syncBuiltinESMExports();`,
  );

/** Runs something of scripts/ on that system, with a PATH that has no apt; gives what it printed. */
async function runOn(release, source) {
  const bin = path.join(temporaryFolder(), 'bin');
  await mkdir(bin);
  await symlink(process.execPath, path.join(bin, 'node'));
  // A Rust whose standard library has come without its sources, and no Python.
  await writeFile(path.join(bin, 'rustc'), `#!/bin/sh\necho '${bin}'\n`);
  await chmod(path.join(bin, 'rustc'), 0o755);
  await symlink('/bin/sh', path.join(bin, 'sh'));
  const program = temporaryFile('program.mjs', source);
  const command = [process.execPath, '--import', pathToFileURL(disguise(release)).href, program];
  return execute(command, { env: environment({ PATH: bin }) }).ended;
}

const url = (file) => JSON.stringify(pathToFileURL(path.join(root, file)).href);

describe('another distribution', { skip: process.platform !== 'linux' && 'for Linux' }, () => {
  for (const [name, release] of Object.entries(RELEASES)) {
    test(`${name}: what comes from Debian's packages is left out, with the reason`, async () => {
      const { code, output } = await runOn(
        release,
        `const { debian, isDebian, Unavailable, wheel } = await import(${url('scripts/platforms/fetch.js')});
         const reason = (promise) => promise.then(() => 'nothing', (error) => {
           if (!(error instanceof Unavailable)) throw error;
           return error.message;
         });
         const never = 'package-that-was-not-fetched';
         console.log(JSON.stringify([isDebian(), await reason(debian([never])), await reason(wheel(never, '1'))]));`,
      );
      assert.equal(code, 0, output);
      const [isDebian, packages, wheels] = JSON.parse(output);
      assert.equal(isDebian, false);
      assert.match(
        packages,
        /^package-that-was-not-fetched comes from Debian's packages, which this machine has no apt/,
      );
      assert.match(wheels, /comes from Python's packages, and there is no python3 with pip here\.$/);
    });
  }

  test('Debian without apt: the same', async () => {
    const { code, output } = await runOn(
      'ID=debian\nVERSION_CODENAME=trixie\n',
      `const { debian, isDebian, Unavailable } = await import(${url('scripts/platforms/fetch.js')});
       const error = await debian(['package-that-was-not-fetched']).catch((thrown) => thrown);
       console.log(isDebian(), error instanceof Unavailable);`,
    );
    assert.equal(code, 0, output);
    assert.equal(output, 'true true\n');
  });

  test('a task that cannot be done is left out, and the run passes', async () => {
    const { code, output } = await runOn(
      RELEASES.Fedora,
      `const { Unavailable } = await import(${url('scripts/platforms/fetch.js')});
       const { runTasks } = await import(${url('scripts/test.js')});
       await runTasks([{ name: 'windows', title: 'Windows', run: async () => { throw new Unavailable('No apt here.'); } }]);`,
    );
    assert.equal(code, 0, output);
    assert.match(output, /^windows +left out +[\d.]+ s {2}No apt here\.$/m);
  });

  test('no document and no script takes a package manager for granted', () => {
    const files = ['README.md', 'CONTRIBUTING.md', 'docs/guide.en.md', 'scripts/test.js', 'scripts/tasks.js'];
    for (const file of files) {
      assert.doesNotMatch(readFileSync(path.join(root, file), 'utf8'), /\b(apt|apk|dnf) (install|add)\b/, file);
    }
  });
});
