import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { npmPackage } from '../../scripts/platforms/fetch.js';
import { hostPlatform } from '../../scripts/platforms/targets.js';
import { TOOLS } from '../../scripts/util.js';
import { execute, fixture } from '../support/child.mjs';
import { validConfig } from '../support/configs.mjs';
import { PACKAGE } from '../support/package.mjs';
import { message, openGateway } from '../support/setup.mjs';

// The packages of npm that hold the programs; each is there for other machines too, but here these are tested.
const RUNTIMES = [
  { name: 'Bun', dependency: '@oven/bun-linux-x64', file: 'bin/bun', version: TOOLS.bun, flags: [], events: 0 },
  {
    name: 'Deno',
    dependency: '@deno/linux-x64-glibc',
    file: 'deno',
    version: TOOLS.deno,
    flags: ['run', '--allow-all', '--quiet'],
    // Of 102 messages, a balance, and three that failed.
    events: 106,
  },
];
const skip = hostPlatform() === 'linux-x64-gnu' ? false : 'for Linux x64 with glibc';

let gateway;

before(async () => {
  gateway = await openGateway();
});

after(() => gateway.stop());

describe('other runtimes', { skip }, () => {
  for (const { name, dependency, file, version, flags, events } of RUNTIMES) {
    test(`${name} imports it, guards, sends, fails with the same errors, and sends 100 in parallel`, async () => {
      const program = join(await npmPackage(dependency, version), file);
      const config = validConfig();
      const { email, apiKey } = config;
      Object.assign(gateway.account, { email, apiKey, allowAnyCredentials: false });
      gateway.clear();
      const data = message();
      const args = [PACKAGE, gateway.url, JSON.stringify(config), JSON.stringify(data)];
      const { code, stdout, output } = await execute([program, ...flags, fixture('other-runtime'), ...args]).ended;
      assert.equal(code, 0, output);
      const { unauthorized, unreachable, invalid, incomplete, ...answer } = JSON.parse(stdout);
      assert.deepEqual(answer, {
        keys: ['metadata', 'type', 'configGuard', 'sendMessage'],
        isValid: true,
        paths: ['email', 'apiKey', 'senderName', 'templates'],
        gateway: gateway.url,
        ids: 100,
        text: gateway.url,
        balance: 'number',
        // README's table says that Bun has none.
        events,
      });
      assert.equal(gateway.messages.length, 102);
      assert.equal(invalid.code, 'invalid_config');
      assert.equal(incomplete.code, 'invalid_request_parameters');
      assert.deepEqual([unauthorized.code, unauthorized.reason], ['general', 'unauthorized']);
      assert.deepEqual([unreachable.code, unreachable.reason], ['general', 'unreachable']);
      assert.match(unreachable.sentence, /Nothing was sent/);
    });
  }
});
