// What the published package holds: this and nothing else.

import { addon } from './build.js';
import { quietly } from './command.js';
import { Failure } from './platforms/util.js';

const FILES = Object.entries({
  '': 'CHANGELOG.md LICENSE README.md THIRD-PARTY-LICENSES.md index.d.ts logo.svg package.json',
  'cli/':
    'addon.js check-account.js check-templates.js doctor.js format.js inbox.js index.js report.js send.js settings.js usage.js',
  'docs/': 'behaviours.md console.md guide.de.md guide.en.md guide.fr.md guide.ru.md tracing.md',
  'lib/': 'index.js refusal.js',
  'testing/':
    'api.js certificate.js faults.js inbox.html index.d.ts index.js loopback.js match-template.js responses.js segments.js store.js ui.js',
}).flatMap(([folder, names]) => names.split(' ').map((name) => folder + name));
const BINARY = /^lib\/connector-smsaero-native\.[a-z0-9-]+\.node$/;

/** Throws for a file that is missing from the tarball, and of one that does not belong there. */
export async function checkTarball() {
  const pack = ['npm', 'pack', '--dry-run', '--json', '--ignore-scripts'];
  const [{ files, size }] = JSON.parse(await quietly(pack, 'npm pack failed.'));
  const packed = files.map(({ path }) => path);
  const expected = [...FILES, addon()];
  const missing = expected.filter((path) => !packed.includes(path));
  const alien = packed.filter((path) => !expected.includes(path) && !BINARY.test(path));
  if (missing.length + alien.length > 0) {
    const parts = [
      missing.length > 0 && `is missing ${missing.join(', ')}`,
      alien.length > 0 && `holds ${alien.join(', ')}, which scripts/tarball.js does not expect`,
    ];
    throw new Failure(`The tarball ${parts.filter(Boolean).join(' and ')}.`);
  }
  return { files: packed.length, size };
}
