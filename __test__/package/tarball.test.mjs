import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { execute } from '../support/child.mjs';

const FILES = Object.entries({
  '': 'CHANGELOG.md LICENSE README.md THIRD-PARTY-LICENSES.md index.d.ts logo.svg package.json',
  'cli/':
    'addon.js check-account.js check-templates.js demo.js doctor.js format.js inbox.js index.js report.js send.js settings.js status.js usage.js',
  'docs/':
    'behaviours.md console.md differences.md errors.md guide.de.md guide.en.md guide.fr.md guide.ru.md networks.md tracing.md',
  'lib/': 'index.js refusal.js',
  'testing/':
    'api.js certificate.js faults.js inbox.html index.d.ts index.js loopback.js match-template.js responses.js segments.js store.js ui.js',
}).flatMap(([folder, names]) => names.split(' ').map((name) => folder + name));
const BINARY = /^lib\/connector-smsaero-native\.[a-z0-9-]+\.node$/;

describe('the tarball', () => {
  test('the published package holds these files and binaries, and nothing else', async () => {
    const pack = ['npm', 'pack', '--dry-run', '--json', '--ignore-scripts'];
    const { stdout } = await execute(pack, { shell: process.platform === 'win32' }).ended;
    const [{ files }] = JSON.parse(stdout);
    const packed = files.map(({ path }) => path);
    assert.ok(packed.some((name) => BINARY.test(name)));
    assert.deepEqual(packed.filter((name) => !BINARY.test(name)).sort(), FILES.sort());
  });
});
