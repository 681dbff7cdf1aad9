// A small npm registry on this machine: the tarballs it is given, what node_modules holds, and nothing else.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';

import { create, list } from 'tar';

import { temporaryFolder } from './child.mjs';
import { CHECKOUT } from './package.mjs';

const { packages: locked } = JSON.parse(readFileSync(path.join(CHECKOUT, 'package-lock.json'), 'utf8'));

/** Starts a registry; `isOpen: false` has it refuse everything. `asked` are the paths that were asked for. */
export async function startRegistry({ tarballs = [], isOpen = true } = {}) {
  const given = await Promise.all(tarballs.map(describe));
  const files = new Map();
  const asked = [];
  const server = http.createServer(async ({ url }, response) => {
    asked.push(url);
    const { status, body } = isOpen ? await answer(decodeURIComponent(url)) : { status: 403 };
    response.writeHead(status).end(body);
  });
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const registry = `http://127.0.0.1:${server.address().port}/`;

  async function answer(url) {
    if (files.has(url)) return { status: 200, body: await readFile(files.get(url)) };
    const name = url.slice(1);
    const releases = [...given.filter(({ manifest }) => manifest.name === name)];
    if (releases.length === 0) releases.push(...(await installed(name)));
    if (releases.length === 0) return { status: 404, body: '{}' };
    const versions = releases.map(({ manifest, file, integrity }) => {
      const place = `/-/${name.replace('/', '-')}-${manifest.version}.tgz`;
      files.set(place, file);
      const dist = { tarball: new URL(place, registry).href, integrity };
      return [manifest.version, { ...manifest, dist }];
    });
    const latest = versions.at(-1)[0];
    const packument = { name, 'dist-tags': { latest }, versions: Object.fromEntries(versions) };
    return { status: 200, body: JSON.stringify(packument) };
  }

  return {
    url: registry,
    asked,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Packs an installed package, as whoever published it did. */
export async function packInstalled(folder) {
  const { name, version } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
  const file = path.join(temporaryFolder(), `${name.replace('/', '-')}-${version}.tgz`);
  const filter = (entry) => !entry.split('/').includes('node_modules');
  await create({ gzip: true, file, cwd: folder, prefix: 'package', portable: true, filter }, ['.']);
  return file;
}

async function installed(name) {
  const folders = Object.keys(locked).filter((place) => place.endsWith(`node_modules/${name}`));
  const files = await Promise.all(folders.map((place) => packInstalled(path.join(CHECKOUT, place)).catch(() => null)));
  return Promise.all(files.filter(Boolean).map(describe));
}

async function describe(file) {
  const chunks = [];
  await list({
    file,
    filter: (entry) => path.posix.normalize(entry) === 'package/package.json',
    onReadEntry: (entry) => entry.on('data', (chunk) => chunks.push(chunk)),
  });
  const manifest = JSON.parse(Buffer.concat(chunks));
  const digest = createHash('sha512')
    .update(await readFile(file))
    .digest('base64');
  return { file, manifest, integrity: `sha512-${digest}` };
}
