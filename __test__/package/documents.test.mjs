import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import createOfficial from '@logto/connector-smsaero';

import { environment, execute, NODE, temporaryFolder } from '../support/child.mjs';
import { validConfig } from '../support/configs.mjs';
import createConnector, { sendMessage } from '../support/package.mjs';
import { message, openGateway } from '../support/setup.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { scripts, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const documents = ['README.md', 'CONTRIBUTING.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)];

/** Every code block: where it is, its info string, its lines. */
const blocks = documents
  .filter((name) => name.endsWith('.md'))
  .flatMap((name) => {
    const text = readFileSync(join(root, name), 'utf8');
    return [...text.matchAll(/^```([^\n]*)\n(.*?)^```/gms)].map(([, info, code]) => ({
      name,
      info,
      code,
    }));
  });
const of = (...infos) => blocks.filter(({ info }) => infos.includes(info));

let gateway;
let ours;
let official;

before(async () => {
  gateway = await openGateway();
  ours = await createConnector({ getConfig() {} });
  official = await createOfficial({ getConfig() {} });
});

after(() => gateway.stop());

describe('documents', () => {
  test('every configuration is valid for both connectors, and sends', async () => {
    assert.equal(of('json config').length, 5);
    for (const { name, code } of of('json config')) {
      const config = JSON.parse(code);
      assert.ok(ours.configGuard.safeParse(config).success, name);
      assert.ok(official.configGuard.safeParse(config).success, name);
      for (const { usageType } of config.templates) {
        const receipt = await sendMessage(
          message({ type: usageType }),
          { ...config, allowedPrefixes: '' },
          { gateways: gateway.url },
        );
        assert.equal(receipt.from, config.senderName);
      }
    }
  });

  test('every list of templates makes a configuration valid, and sends in its languages', async () => {
    assert.ok(of('json templates').length >= 5);
    for (const { name, code } of of('json templates')) {
      const templates = JSON.parse(code);
      const config = validConfig({ templates });
      assert.ok(ours.configGuard.safeParse(config).success, name);
      for (const { usageType, content, locale } of templates.filter((template) => template.locale)) {
        const data = message({ type: usageType, payload: { code: '123456', uiLocales: locale } });
        await sendMessage(data, config, { gateways: gateway.url });
        assert.equal(gateway.messages.at(-1).text, content.replace('{{code}}', '123456'), name);
      }
    }
  });

  test('JSON without a name is JSON', () => {
    for (const { code } of of('json')) assert.ok(JSON.parse(code));
  });

  const lines = of('sh').flatMap(({ name, code }) =>
    code
      .split('\n')
      .filter((line) => line && !line.startsWith('#'))
      .map((line) => [name, line]),
  );

  test('every npm command is a script of the package', () => {
    const commands = blocks
      .map(({ code }) => code)
      .concat(documents.map((name) => (name.endsWith('.md') ? readFileSync(join(root, name), 'utf8') : '')));
    const named = [...commands.join('\n').matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name);
    assert.ok(named.length > 5);
    for (const name of new Set(named)) assert.ok(scripts[name], `npm run ${name}`);
  });

  test('every command of our own does what it says with the configuration of its document', async () => {
    const own = lines.filter(([, line]) => line.startsWith('npx connector-smsaero-native'));
    assert.ok(own.length >= 3);
    for (const [name, line] of own) {
      const { code: config } = of('json config').find((block) => block.name === name) ?? of('json config')[0];
      const folder = temporaryFolder();
      for (const file of ['FILE', 'connector.json']) await writeFile(join(folder, file), config);
      const approving = await openGateway({ account: { signs: [JSON.parse(config).senderName] } });
      const args = line
        .replace(/\s+#.*/, '')
        .split(/\s+/)
        .slice(2);
      const isServer = args[0] === 'inbox';
      // There has to be a message to ask about.
      const send = ['send', '--to', '79001234567', '--config', 'FILE', '--test'];
      if (args[0] === 'status') await cli(send, folder, approving.url);
      const { code, output } = await cli(args, folder, approving.url, isServer);
      await approving.stop();
      const works = isServer ? /SMSAERO_GATEWAYS=http:/.test(output) : code === 0;
      assert.ok(works, `${name}: ${line}: ${code} ${output}`);
    }
  });

  /** Runs a command of the package; a server is ended as soon as it has printed where it is. */
  function cli(args, cwd, gateways, isServer) {
    const command = [...NODE, join(root, bin['connector-smsaero-native']), ...args];
    const env = environment({ SMSAERO_GATEWAYS: gateways, NO_COLOR: '1' });
    const { child, output, ended } = execute(command, { cwd, env });
    child.stdout.on('data', () => {
      if (isServer && output.stdout.includes('SMSAERO_GATEWAYS=')) child.kill();
    });
    return ended;
  }

  /** Runs a module that a document shows. */
  const run = (source, { cwd, env }) =>
    execute([...NODE, '--input-type=module', '-'], { cwd, env: environment(env), input: source }).ended;

  test('every command of Logto names a package by a name that its CLI takes', () => {
    const logto = lines.filter(([, line]) => line.startsWith('logto ')).map(([, line]) => line);
    assert.ok(logto.length >= 10);
    for (const line of logto) {
      assert.match(
        line,
        /^logto connector (list|(add|remove) (@logto\/connector-smsaero|connector-smsaero-native|"\$PWD\/connector-smsaero-native-\d+\.\d+\.\d+\.tgz"))( -p .+)?$/,
      );
    }
  });

  test('the JavaScript of the README runs as it stands', async () => {
    const folder = temporaryFolder();
    await mkdir(join(folder, 'node_modules'));
    await symlink(root, join(folder, 'node_modules/connector-smsaero-native'), 'dir');
    const [plain, sending, testing] = of('js').filter(({ name }) => name === 'README.md');
    const env = { SMSAERO_GATEWAYS: gateway.url, SMSAERO_API_KEY: 'key' };
    const sent = await run(sending.code, { cwd: folder, env });
    assert.equal(sent.code, 0, sent.stderr);
    assert.match(sent.stdout, /^\d+ [\d.]+ http:\/\/127\.0\.0\.1/);

    const texted = await run(plain.code, { cwd: folder, env });
    assert.equal(texted.stdout, 'queued false\n', texted.stderr);

    const send = `
    const { sendMessage } = await import('connector-smsaero-native');
    const templates = ['Register', 'SignIn', 'ForgotPassword', 'Generic'].map((usageType) => ({ usageType, content: '{{code}}' }));
    const { email, apiKey } = gateway.account;
    await sendMessage({ to: '79001234567', type: 'SignIn', payload: { code: '424242' } },
      { email, apiKey, senderName: 'SMS Aero', templates }, { gateways: gateway.url });`;
    const code = testing.code
      .replace(/^\/\/ ….*$/m, send)
      .replace('await gateway.stop', 'console.log(code);\nawait gateway.stop');
    const fetched = await run(code, { cwd: folder });
    assert.equal(fetched.stdout.trim(), '424242', fetched.stderr);
  });

  test('the subscriber for OpenTelemetry makes a span a message', async () => {
    const folder = temporaryFolder();
    const api = join(folder, 'node_modules/@opentelemetry/api');
    await mkdir(api, { recursive: true });
    await symlink(root, join(folder, 'node_modules/connector-smsaero-native'), 'dir');
    await writeFile(join(api, 'package.json'), '{"type":"module","exports":"./index.js"}');
    // A stand-in that prints what the real one would export.
    await writeFile(
      join(api, 'index.js'),
      `export const SpanStatusCode = { ERROR: 2 };
     const attributes = {};
     const span = {
       setAttribute(name, value) { attributes[name] = value; },
       setStatus(status) { attributes.code = status.code; },
       end() { console.log(JSON.stringify(attributes)); },
     };
     export const trace = { getTracer: () => ({ startSpan: () => span }) };`,
    );
    const [{ code }] = of('js').filter(({ name }) => name === 'docs/tracing.md');
    await writeFile(join(folder, 'spans.mjs'), code);
    const { stdout, stderr } = await run(
      `import { sendMessage } from 'connector-smsaero-native';
     await import('./spans.mjs');
     await sendMessage(${JSON.stringify(message())}, ${JSON.stringify(validConfig())}, { gateways: '${gateway.url}' });`,
      { cwd: folder },
    );
    const attributes = JSON.parse(stdout || assert.fail(stderr));
    assert.equal(attributes['smsaero.outcome'], 'accepted');
    assert.equal(attributes['smsaero.parts'], 1);
    assert.equal(attributes.code, undefined);
  });

  test('every relative link leads to a file', () => {
    for (const name of documents.filter((document) => document.endsWith('.md'))) {
      const text = readFileSync(join(root, name), 'utf8').replaceAll(/^```.*?^```/gms, '');
      for (const [, target] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
        assert.doesNotThrow(
          () => readdirSync(join(root, name, '..', target, '..')).includes(target.split('/').at(-1)) || assert.fail(),
          `${name}: ${target}`,
        );
      }
    }
  });
});
