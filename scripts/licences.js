// THIRD-PARTY-LICENSES.md, and with `--sbom FILE` a list of the crates for machines (CycloneDX).

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { cargoTool } from './platforms/fetch.js';
import { main, ROOT, readOptions, run } from './util.js';

await main(async () => {
  const { sbom } = readOptions({ sbom: { type: 'string' } });
  const generate = ['about', 'generate', '--locked', '--manifest-path', 'napi/Cargo.toml', '-c', 'scripts/about.toml'];
  const output = ['scripts/about.hbs', '-o', 'THIRD-PARTY-LICENSES.md'];
  await run(['cargo', ...generate, ...output], { env: await cargoTool('cargo-about', ['--features', 'cli']) });
  if (!sbom) return;
  // The same crates give the same bytes.
  const env = { ...(await cargoTool('cargo-cyclonedx')), SOURCE_DATE_EPOCH: '0' };
  const flags = ['--manifest-path', 'napi/Cargo.toml', '--format', 'json', '--target', 'all'];
  await run(['cargo', 'cyclonedx', ...flags, '--override-filename', 'sbom.cdx'], { env });
  // Without the path of the machine that it was made on.
  const list = readFileSync(join(ROOT, 'napi/sbom.cdx.json'), 'utf8').replaceAll(ROOT.slice(0, -1), '');
  writeFileSync(sbom, list);
  for (const folder of ['napi', '.']) rmSync(join(ROOT, folder, 'sbom.cdx.json'), { force: true });
});
