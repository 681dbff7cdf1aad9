import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { execute, NODE, temporaryFolder } from '../support/child.mjs';
import { createConnector, inPackage } from '../support/package.mjs';
import { startGateway } from '../support/testing.mjs';

const cli = fileURLToPath(inPackage('cli', 'index.js'));
const folder = temporaryFolder();

const { metadata } = await createConnector({ getConfig: async () => ({}) });
const templates = metadata.formItems.find(({ key }) => key === 'templates').defaultValue;
const config = {
  email: 'owner@example.com',
  apiKey: 'key-that-nobody-may-read',
  senderName: 'Acme',
  templates,
};
const SECRETS = ['key-that-nobody-may-read', 'owner@example.com', 'b3duZXJAZXhhbXBsZS5jb20'];

/** Runs the tool with an environment of our own; every output is searched for secrets. */
const run = async (args, { env = {}, input, secrets = SECRETS, flags = [] } = {}) => {
  const { PATH, SystemRoot } = process.env;
  const command = [...NODE, ...flags, cli, ...args];
  const result = await execute(command, { env: { PATH, SystemRoot, ...env }, input }).ended;
  for (const secret of secrets) {
    assert.ok(!result.output.includes(secret), `It shows ${secret}: ${result.output}`);
  }
  return result;
};

const open = async (t, account) => {
  const { email, apiKey } = config;
  const gateway = await startGateway({ account: { email, apiKey, signs: ['Acme'], ...account } });
  t.after(() => gateway.stop());
  return gateway;
};

let files = 0;
const save = (value) => {
  files += 1;
  const file = path.join(folder, `${files}.json`);
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
  return file;
};

const { status: hasScript } = spawnSync('script', ['-qec', 'true', '/dev/null'], {
  stdio: 'ignore',
});
const onTerminal = {
  skip: hasScript !== 0 && 'the tool `script` of util-linux makes the terminal',
};
const terminal = (args, env = {}, input = '') => {
  const { PATH } = process.env;
  const command = [...NODE, cli, ...args].join(' ');
  const child = spawnSync('script', ['-qec', command, '/dev/null'], {
    env: { PATH, TERM: 'xterm', ...env },
    input,
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { code: child.status, output: child.stdout };
};

// Types the answer once the question is there: earlier input would be echoed and lost.
const askedOn = (args, answer) => {
  const command = ['script', '-qec', [...NODE, cli, ...args].join(' '), '/dev/null'];
  const env = { PATH: process.env.PATH, TERM: 'dumb' };
  const { child, output, ended } = execute(command, { env, input: null });
  const onData = () => {
    if (!output.stdout.includes('[y/N]')) return;
    child.stdout.off('data', onData);
    child.stdin.end(answer);
  };
  child.stdout.on('data', onData);
  return ended;
};

describe('the command line', () => {
  test('tells its version and what it can do', async () => {
    const { stdout } = await run(['--version']);
    assert.match(stdout, /^\d+\.\d+\.\d+/);
    for (const args of [['--help'], ['-h'], ['help']]) {
      const { code, stdout: help } = await run(args);
      assert.equal(code, 0);
      for (const word of ['doctor', 'send', 'status', 'inbox', 'demo']) assert.match(help, new RegExp(word));
    }
    for (const word of ['doctor', 'send', 'status', 'inbox', 'demo']) {
      const { code, stdout: help } = await run([word, '--help']);
      assert.equal(code, 0);
      assert.match(help, new RegExp(`^Usage: connector-smsaero-native ${word}`));
      assert.ok(
        help.split('\n').every((line) => line.length <= 90),
        help,
      );
    }
  });

  for (const [args, sentence] of [
    [[], /No command was given/],
    [['dcotor'], /There is no command "dcotor"/],
    [['toString'], /There is no command/],
    [['doctor', '--confg', 'x'], /doctor has no option --confg/],
    [['doctor', '--config'], /The option --config/],
    [['doctor', '--json=yes', '--config', 'x'], /The option --json/],
    [['doctor'], /There is no configuration: name a file with --config/],
    [['doctor', '--config', 'no-such-file.json'], /cannot be read: there is no such file/],
    [['doctor', '--config', '.'], /it is a folder/],
    [['doctor', '--config', '-'], /Standard input is not valid JSON/],
    [['send', '79001234567'], /a word too many/],
    [['send'], /Say whom to write to/],
    [['send', '--to', 'Anna'], /--to takes a phone number/],
    [['inbox', '--port', 'x'], /--port takes a number/],
    [['inbox', '--port', '70000'], /--port takes a number/],
    [['inbox', '--host', '0.0.0.0'], /loopback/],
    [['inbox', '--host', 'example.com'], /loopback/],
  ]) {
    test(`takes "${args.join(' ')}" for wrong usage`, async () => {
      const { code, stdout, stderr } = await run(args, { secrets: [...SECRETS, '79001234567 '] });
      assert.equal(code, 2, stderr);
      assert.match(stderr, sentence);
      assert.doesNotMatch(stderr, /^\s+at /m);
      assert.equal(stdout, '');
    });
  }

  test('quotes nothing of a file that is not JSON', async () => {
    const file = save('{\n  "email": "owner@example.com",\n  "apiKey": key-that-nobody-may-read\n}');
    const { code, stderr } = await run(['doctor', '--config', file]);
    assert.equal(code, 2);
    assert.match(stderr, /is not valid JSON/);
  });
});

describe('doctor', () => {
  const examine = async (t, { change = {}, account, env = {}, args = [], input, prepare, file } = {}) => {
    const gateway = await open(t, account);
    prepare?.(gateway);
    const target = file ?? save({ ...config, ...change });
    const options = { env: { SMSAERO_GATEWAYS: gateway.url, ...env }, input };
    const { code, stdout, stderr } = await run(['doctor', '--config', target, '--json', ...args], options);
    assert.equal(stderr, '');
    const diagnosis = JSON.parse(stdout);
    assert.equal(diagnosis.ok, code === 0);
    assert.ok(
      gateway.requests.every(({ path: asked }) => !asked.includes('send')),
      'nothing is sent',
    );
    for (const { message } of diagnosis.findings) assert.match(message, /[.!?]$/, message);
    return { code, gateway, ...diagnosis };
  };

  const finds = ({ findings }, level, sentence, place) => {
    const found = findings.find((one) => sentence.test(one.message));
    assert.ok(found, `${sentence} is not among ${JSON.stringify(findings, null, 2)}`);
    assert.equal(found.level, level);
    if (place) assert.equal(found.path ?? found.check, place);
  };

  test('has nothing to say of a configuration that works', async (t) => {
    const diagnosis = await examine(t);
    assert.equal(diagnosis.code, 0);
    // The gateway of these tests is on this machine, which is worth a note.
    assert.deepEqual(
      diagnosis.findings.map(({ level, check }) => [level, check]),
      [['note', 'gateways']],
    );
    finds(diagnosis, 'note', /is on this machine/, diagnosis.gateways[0].url);
    assert.deepEqual(
      Object.keys(diagnosis).filter((key) => !['code', 'gateway'].includes(key)),
      [
        'version',
        'node',
        'platform',
        'ok',
        'binary',
        'config',
        'guard',
        'templates',
        'missingTemplates',
        'proxy',
        'trust',
        'gateways',
        'account',
        'findings',
      ],
    );
    const { binary, config: seen, guard, gateways, account, gateway } = diagnosis;
    assert.equal(binary.loads, true);
    assert.match(binary.file, /^connector-smsaero-native\..+\.node$/);
    assert.ok(binary.sizeBytes > 100_000);
    if (process.platform === 'linux') assert.match(binary.libc, /^(glibc \d|musl)/);
    assert.equal(seen.email, 'o***@example.com');
    assert.equal(seen.apiKey, 'set');
    assert.deepEqual(guard, { result: 'accepted', issues: [] });
    assert.equal(gateways.length, 1);
    assert.equal(gateways[0].reachable, true);
    assert.equal(typeof gateways[0].totalMs, 'number');
    assert.equal(account.credentials, 'accepted');
    assert.equal(account.balance, 1000);
    assert.deepEqual(account.sender, { name: 'Acme', approved: true, listed: true });
    const asked = gateway.requests
      .map(({ path: one }) => one)
      .filter((one) => one !== '/')
      .sort();
    assert.deepEqual(asked, ['/v2/balance', '/v2/sign/list']);
  });

  test('takes the account from the environment, with the templates of a new configuration', async (t) => {
    const gateway = await open(t);
    const env = {
      SMSAERO_GATEWAYS: gateway.url,
      SMSAERO_EMAIL: config.email,
      SMSAERO_API_KEY: config.apiKey,
      SMSAERO_SENDER: config.senderName,
    };
    const { code, stdout } = await run(['doctor', '--json'], { env });
    assert.equal(code, 0, stdout);
    assert.equal(JSON.parse(stdout).templates.length, 9);
    const { SMSAERO_SENDER, ...less } = env;
    const { code: failed, stdout: answer } = await run(['doctor'], { env: less });
    assert.equal(failed, 1);
    assert.match(answer, /the variable SMSAERO_SENDER is missing/);
  });

  test('reads standard input, and what the Management API says of a connector', async (t) => {
    const row = { id: 'x', connectorId: 'smsaero-short-message-service', config };
    const { code, config: seen } = await examine(t, { file: '-', input: JSON.stringify(row) });
    assert.equal(code, 0);
    assert.equal(seen.source, 'standard input');
  });

  for (const [name, change, level, sentence, place] of [
    ['a missing field', { senderName: undefined }, 'fail', /the field senderName is missing/, 'senderName'],
    [
      'a field of another type',
      { apiKey: 17 },
      'fail',
      /the field apiKey is of the type number. Make it string/,
      'apiKey',
    ],
    ['an e-mail that is none', { email: 'owner' }, 'fail', /the field email does not hold an e-mail address/, 'email'],
    ['missing required templates', { templates: templates.slice(0, 2) }, 'fail', /the field templates: /, 'templates'],
    [
      'a wrong template',
      { templates: [...templates, { usageType: 'X' }] },
      'fail',
      /the field templates\[9\]\.content is missing/,
      'templates[9].content',
    ],
    [
      'a wrong switch',
      { testMode: 'yes' },
      'fail',
      /the field testMode is of the type string. Make it boolean/,
      'testMode',
    ],
    ['an empty key', { apiKey: '' }, 'fail', /Nothing is in the field apiKey/, 'apiKey'],
    [
      'space around a name',
      { senderName: 'Acme ' },
      'warn',
      /white space before or after what is in the field senderName/,
      'senderName',
    ],
    ['test mode', { testMode: true }, 'warn', /testMode is on/, 'testMode'],
    [
      'missing optional templates',
      { templates: templates.slice(0, 5) },
      'fail',
      /No template is for OrganizationInvitation, UserPermissionValidation|No template is for .*: such messages would not be sent/,
      'templates',
    ],
    [
      'missing templates with the fallback',
      { templates: templates.slice(0, 5), fallbackToGeneric: true },
      'note',
      /the Generic one is used/,
      'templates',
    ],
    [
      'a usage type misspelled',
      { templates: [...templates, { usageType: 'signin', content: '{{code}}' }] },
      'warn',
      /never asks for the usage type "signin". Write SignIn/,
      'templates[9].usageType',
    ],
    [
      'a malformed locale',
      {
        templates: [...templates, { usageType: 'SignIn', locale: 'ru_RU', content: 'x {{code}}' }],
      },
      'warn',
      /"ru_RU" is not a language tag.*Write ru-RU/,
      'templates[9].locale',
    ],
    [
      'a template that is never used',
      { templates: [...templates, { usageType: 'SignIn', content: 'x {{code}}' }] },
      'warn',
      /never used: templates\[0\] is for the same/,
      'templates[9]',
    ],
    [
      'a template without a code',
      { templates: [...templates, { usageType: 'Generic', locale: 'en', content: 'Hello there' }] },
      'warn',
      /no \{\{code\}\} in it/,
      'templates[9].content',
    ],
    [
      'a text too long',
      {
        templates: [...templates, { usageType: 'Generic', locale: 'en', content: `{{code}} ${'a'.repeat(640)}` }],
      },
      'fail',
      /has 647 characters. SMS Aero takes 2 to 640/,
      'templates[9].content',
    ],
    [
      'two GSM parts',
      {
        templates: [...templates, { usageType: 'Generic', locale: 'en', content: `{{code}} ${'a'.repeat(160)}` }],
      },
      'warn',
      /takes 2 parts \(GSM\).*Shorten it to 160/,
      'templates[9].content',
    ],
    [
      'two UCS-2 parts',
      {
        templates: [...templates, { usageType: 'Generic', locale: 'en', content: `{{code}} — ${'a'.repeat(70)}` }],
      },
      'warn',
      /“—” \(U\+2014\) is not in the GSM alphabet.*Without such characters it would take 1/,
      'templates[9].content',
    ],
    [
      'a handlebar without a value',
      {
        templates: [...templates, { usageType: 'Generic', locale: 'en', content: '{{code}} {{shop.name}}' }],
      },
      'note',
      /\{\{shop.name\}\} stays as written/,
      'templates[9].content',
    ],
    [
      'localised templates only',
      { templates: templates.map((one) => ({ ...one, locale: 'ru' })) },
      'note',
      /every template has a locale/,
      'templates',
    ],
    [
      'a malformed prefix',
      { allowedPrefixes: '7, Russia' },
      'warn',
      /"Russia" is not a calling code/,
      'allowedPrefixes',
    ],
    [
      'a prefix with zeros',
      { allowedPrefixes: ['7', '0049'] },
      'warn',
      /No number begins with 0049/,
      'allowedPrefixes',
    ],
    [
      'prefixes that allow nobody',
      { allowedPrefixes: 'Russia' },
      'fail',
      /no number may be written to/,
      'allowedPrefixes',
    ],
  ]) {
    test(`finds ${name}`, async (t) => {
      const diagnosis = await examine(t, { change, account: { signs: ['Acme', 'Acme '] } });
      finds(diagnosis, level, sentence, place);
      assert.equal(diagnosis.code, level === 'fail' ? 1 : 0);
    });
  }

  test('is not confused by values of any type', async (t) => {
    for (const odd of [null, 17, 'text', [], [null], [17], [{}], {}, [[]], true]) {
      const keys = ['email', 'apiKey', 'senderName', 'templates', 'allowedPrefixes'];
      const change = Object.fromEntries(keys.map((key) => [key, odd]));
      const { code, guard } = await examine(t, { change });
      assert.equal(code, 1);
      assert.equal(guard.result, 'refused');
      const human = await run(['doctor', '--config', save({ ...config, ...change })]);
      assert.equal(human.code, 1);
      assert.match(human.stdout, /would stop messages/, human.stderr);
    }
  });

  for (const value of [null, [], 'text', 17]) {
    test(`refuses ${JSON.stringify(value)} as a configuration`, async (t) => {
      const diagnosis = await examine(t, { file: save(JSON.stringify(value)) });
      assert.equal(diagnosis.code, 1);
      finds(diagnosis, 'fail', /The configuration is of the type/);
      assert.equal(diagnosis.account, null);
    });
  }

  for (const [name, account, level, sentence] of [
    [
      'a wrong key',
      { apiKey: 'another' },
      'fail',
      /does not accept the credentials \(HTTP 401\). Check the field email.*the field apiKey/,
    ],
    ["an account that refuses this machine's address", { ipAllowed: false }, 'fail', /this machine's IP address/],
    ['an empty balance', { balance: 0 }, 'fail', /The balance is 0/],
    [
      'a sender in moderation',
      { signs: [{ name: 'Acme', status: 0 }] },
      'fail',
      /"Acme" is not approved yet \(status 0\)/,
    ],
    ['an unknown sender', { signs: ['Other'] }, 'fail', /not among the account's names. Approved: "Other"/],
    ['a sender spelled in another way', { signs: ['ACME'] }, 'fail', /It is spelled "ACME" there/],
  ]) {
    test(`finds ${name}`, async (t) => {
      const diagnosis = await examine(t, { account });
      finds(diagnosis, level, sentence);
      assert.equal(diagnosis.code, 1);
    });
  }

  test('warns of the shared sender name', async (t) => {
    const diagnosis = await examine(t, { change: { senderName: 'SMS Aero' } });
    finds(diagnosis, 'warn', /the name that all customers of SMS Aero share/);
    assert.equal(diagnosis.code, 0);
  });

  test('finds a gateway that is down, which stops nothing while another works', async (t) => {
    const dead = await startGateway();
    await dead.stop();
    const alive = await open(t);
    const held = await open(t);
    held.onConnection('hold');
    const tls = held.url.replace('http:', 'https:');
    const file = save(config);
    const gateways = `${dead.url},${tls},https://nowhere.invalid,${alive.url}`;
    const { code, stdout } = await run(['doctor', '--config', file, '--json', '--gateways', gateways]);
    const diagnosis = JSON.parse(stdout);
    assert.equal(code, 0, stdout);
    finds(diagnosis, 'warn', /refused.* Check the address and the port/);
    finds(diagnosis, 'warn', /no connection in time.* let the connection through and not the TLS handshake/);
    finds(diagnosis, 'warn', /nowhere\.invalid.* Check this server's DNS servers/);
    assert.deepEqual(
      diagnosis.gateways.map(({ step }) => step),
      ['tcp', 'connect', 'dns', undefined],
    );
    const only = await run(['doctor', '--config', file, '--json', '--gateways', dead.url]);
    assert.equal(only.code, 1);
    finds(JSON.parse(only.stdout), 'fail', /refused/);
  });

  test('finds gateways that cannot be used', async (t) => {
    const file = save(config);
    const secrets = [...SECRETS, 'hidden'];
    const bad = 'https://user:hidden@gate.example';
    const asked = await run(['doctor', '--config', file, '--gateways', bad], { secrets });
    assert.equal(asked.code, 2);
    assert.match(asked.stderr, /has a user name or password in it/);
    const env = { SMSAERO_GATEWAYS: 'http://gate.example' };
    const { code, stdout } = await run(['doctor', '--config', file, '--json'], { env });
    assert.equal(code, 1);
    finds(JSON.parse(stdout), 'fail', /would send the API key unencrypted/);
  });

  test('finds what answers in the place of SMS Aero, and says nothing of what it says', async (t) => {
    const http = await import('node:http');
    for (const [status, body, level, sentence] of [
      [200, '<h1>Welcome</h1>', 'fail', /does not speak SMS Aero's API \(HTTP 200\)/],
      [302, '', 'fail', /does not speak SMS Aero's API \(HTTP 302\)/],
      [503, 'busy', 'fail', /has an outage \(HTTP 503\)/],
      [429, '{}', 'warn', /too many requests/],
      [200, '{"success":false,"message":"no"}', 'fail', /does not accept the credentials/],
      [400, JSON.stringify(config), 'fail', /does not speak/],
    ]) {
      const server = http.createServer((request, response) => response.writeHead(status).end(body));
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${server.address().port}`;
      const { stdout } = await run(['doctor', '--config', save(config), '--json', '--gateways', url]);
      server.close();
      finds(JSON.parse(stdout), level, sentence);
    }
  });

  test('checks certificates as Node does', async (t) => {
    const { certificate } = await import('../support/testing.mjs');
    const { key, cert, ca } = certificate();
    const { email, apiKey } = config;
    const gateway = await startGateway({
      tls: { key, cert },
      account: { email, apiKey, signs: ['Acme'] },
    });
    t.after(() => gateway.stop());
    const args = ['doctor', '--config', save(config), '--json', '--gateways', gateway.url];
    const distrusted = await run(args);
    assert.equal(distrusted.code, 1);
    finds(JSON.parse(distrusted.stdout), 'fail', /not signed by an authority that Node trusts.*NODE_EXTRA_CA_CERTS/);
    const file = path.join(folder, 'ca.pem');
    writeFileSync(file, ca);
    const trusted = await run(args, { env: { NODE_EXTRA_CA_CERTS: file } });
    assert.equal(trusted.code, 0, trusted.stdout);
    const { trust } = JSON.parse(trusted.stdout);
    assert.equal(trust.extraCertificates, 1);
  });

  test('finds a file of certificates that is not there, or holds none', async (t) => {
    const gateway = await open(t);
    const args = ['doctor', '--config', save(config), '--json', '--gateways', gateway.url];
    const missing = await run(args, {
      env: { NODE_EXTRA_CA_CERTS: path.join(folder, 'none.pem') },
    });
    assert.equal(missing.code, 1);
    finds(JSON.parse(missing.stdout), 'fail', /NODE_EXTRA_CA_CERTS names, cannot be read/);
    const empty = await run(args, { env: { NODE_EXTRA_CA_CERTS: save('') } });
    finds(JSON.parse(empty.stdout), 'warn', /holds no certificate/);
    const careless = await run(args, { env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } });
    finds(JSON.parse(careless.stdout), 'warn', /NODE_TLS_REJECT_UNAUTHORIZED=0 is set/);
  });

  const systemStore = process.allowedNodeEnvironmentFlags.has('--use-system-ca');
  test("tells that the system's certificates are trusted", { skip: !systemStore }, async (t) => {
    const gateway = await open(t);
    const args = ['doctor', '--config', save(config), '--json', '--gateways', gateway.url];
    const { stdout } = await run(args, { env: { NODE_OPTIONS: '--use-system-ca' } });
    assert.equal(JSON.parse(stdout).trust.systemStore, true);
  });

  test('goes through a proxy as the connector does, and shows its address only', async (t) => {
    const http = await import('node:http');
    const net = await import('node:net');
    const { certificate } = await import('../support/testing.mjs');
    const { key, cert, ca } = certificate({ names: ['gate.example'] });
    const { email, apiKey } = config;
    const gateway = await startGateway({
      tls: { key, cert },
      account: { email, apiKey, signs: ['Acme'] },
    });
    t.after(() => gateway.stop());
    const asked = [];
    let refuses;
    const proxy = http.createServer().on('connect', (request, socket) => {
      asked.push([request.url, request.headers['proxy-authorization']]);
      socket.on('error', () => {});
      if (refuses) return socket.end(`HTTP/1.1 ${refuses} No\r\ncontent-length: 0\r\n\r\n`);
      const far = net.connect(gateway.port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        far.pipe(socket).pipe(far);
      });
      far.on('error', () => socket.destroy());
    });
    await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    t.after(() => proxy.close());
    const printed = `127.0.0.1:${proxy.address().port}`;
    const file = path.join(folder, 'proxy-ca.pem');
    writeFileSync(file, ca);
    const env = { HTTPS_PROXY: `http://somebody:hidden-word@${printed}`, NODE_EXTRA_CA_CERTS: file };
    const secrets = [...SECRETS, 'hidden-word', 'somebody'];
    const args = ['doctor', '--config', save(config), '--gateways', 'https://gate.example'];
    const { code, stdout } = await run([...args, '--json'], { env, secrets });
    assert.equal(code, 0, stdout);
    const diagnosis = JSON.parse(stdout);
    assert.deepEqual(diagnosis.proxy, { variable: 'HTTPS_PROXY', address: printed, usable: true });
    assert.equal(diagnosis.gateways[0].proxied, true);
    assert.deepEqual(asked[0], ['gate.example:443', `Basic ${btoa('somebody:hidden-word')}`]);
    const human = await run(args, { env, secrets });
    assert.match(human.stdout, new RegExp(`proxy +${printed}`));

    // A message passes no proxy that answers CONNECT with anything but 200.
    for (refuses of [407, 403, 201]) {
      const closed = await run([...args, '--json'], { env, secrets });
      assert.equal(closed.code, 1, `${refuses}`);
      finds(JSON.parse(closed.stdout), 'fail', /The proxy did not connect to the gateway.*HTTP 407.*NO_PROXY/);
    }
    const count = asked.length;
    const around = await run([...args, '--json'], {
      env: { ...env, NO_PROXY: '.example' },
      secrets,
    });
    assert.equal(asked.length, count);
    finds(JSON.parse(around.stdout), 'fail', /gate.example/);
    const odd = await run([...args, '--json'], {
      env: { ALL_PROXY: 'socks5://somebody:hidden-word@h:1' },
      secrets,
    });
    finds(JSON.parse(odd.stdout), 'fail', /ALL_PROXY names no proxy with http/);
  });

  test('takes no certificate that the connector does not take, though Node would', async (t) => {
    const { email, apiKey } = config;
    for (const [name, extensions, sentence] of [
      ['ca', ['basicConstraints=critical,CA:TRUE', 'subjectAltName=IP:127.0.0.1'], /is an authority's \(CA:TRUE\)/],
      ['v1', [], /is of X\.509 version 1/],
    ]) {
      const [key, cert] = ['key', 'crt'].map((kind) => path.join(folder, `${name}.${kind}`));
      const [request, settings] = ['csr', 'ext'].map((kind) => path.join(folder, `${name}.${kind}`));
      const openssl = (...args) => spawnSync('openssl', args, { encoding: 'utf8' });
      const subject = ['-subj', '/CN=127.0.0.1'];
      const made = openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, ...subject, '-out', request);
      if (made.error) return t.skip('the tool openssl makes the certificates');
      writeFileSync(settings, extensions.join('\n'));
      const extra = extensions.length > 0 ? ['-extfile', settings] : [];
      const signed = openssl('x509', '-req', '-in', request, '-signkey', key, '-days', '2', ...extra, '-out', cert);
      assert.equal(signed.status, 0, signed.stderr);
      const tls = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
      const gateway = await startGateway({ tls, account: { email, apiKey, signs: ['Acme'] } });
      t.after(() => gateway.stop());
      const args = ['doctor', '--config', save(config), '--json', '--gateways', gateway.url];
      const { code, stdout } = await run(args, { env: { NODE_EXTRA_CA_CERTS: cert } });
      assert.equal(code, 1, stdout);
      finds(JSON.parse(stdout), 'fail', sentence);
    }
  });

  test('survives what it is to find: a proxy badly escaped, a locale that is a list', async (t) => {
    const gateway = await open(t);
    const env = { HTTPS_PROXY: 'http://us%zzer:hidden%word@127.0.0.1:1' };
    const listed = [...templates, { usageType: 'SignIn', locale: ['ru'], content: '{{code}}' }];
    const args = ['doctor', '--config', save({ ...config, templates: listed }), '--gateways'];
    const secrets = [...SECRETS, 'zzer', 'hidden'];
    const { code, stdout, stderr } = await run([...args, 'https://gate.example'], { env, secrets });
    assert.equal(code, 1, stderr);
    assert.match(stdout, /the proxy 127\.0\.0\.1:1: .*refused/);
    assert.match(stdout, /the field templates\[9\]\.locale is of the type array/);
    const { stdout: local } = await run([...args, gateway.url], { env, secrets });
    assert.match(local, /credentials +accepted/);
  });

  test('ends with its report, though a name look-up never does', async (t) => {
    const gateway = await open(t);
    const started = performance.now();
    const gateways = `https://nowhere.invalid,${gateway.url}`;
    await run(['doctor', '--config', save(config), '--gateways', gateways]);
    // Far beyond the deadline of a look-up, and far below what a resolver takes that gets no answer.
    assert.ok(performance.now() - started < 15_000);
  });

  test('spells out what a terminal would obey', async (t) => {
    const name = 'A\u001b]0;owned\u0007\u009b31m\u202eB';
    const gateway = await open(t, { signs: [name] });
    const change = { senderName: name };
    const target = save({ ...config, ...change });
    for (const json of [[], ['--json']]) {
      const args = ['doctor', '--config', target, '--gateways', gateway.url, ...json];
      const { stdout } = await run(args);
      assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
      assert.match(stdout, /\\u001b\]0;owned\\u0007\\u009b31m\\u202eB/);
    }
    const sender = ['send', '--to', '79001234567', '--test', '--yes', '--config', target];
    const { stderr } = await run([...sender, '--gateways', gateway.url], { secrets: SECRETS });
    assert.match(stderr, /\\u001b\]0;owned/);
    assert.doesNotMatch(stderr, /\u001b/);
  });

  test('has colours where FORCE_COLOR asks for them, and none where NO_COLOR declines', async (t) => {
    const gateway = await open(t);
    const args = ['doctor', '--config', save(config), '--gateways', gateway.url];
    for (const [env, hasColours] of [
      [{ FORCE_COLOR: '1' }, true],
      [{ FORCE_COLOR: '0' }, false],
      [{ NO_COLOR: '1' }, false],
      [{}, false],
    ]) {
      const { stdout } = await run(args, { env });
      assert.equal(stdout.includes('\u001b['), hasColours, JSON.stringify(env));
    }
  });

  test('prints tables for a person, without colours where there is no terminal', async (t) => {
    const gateway = await open(t);
    const localised = [...templates, { usageType: 'SignIn', locale: 'ru', content: '{{code}} — ваш код' }];
    const file = save({ ...config, templates: localised });
    const { code, stdout } = await run(['doctor', '--config', file, '--gateways', gateway.url]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /native binary +connector-smsaero-native\./);
    assert.match(stdout, /credentials +accepted/);
    assert.match(stdout, /sender name +approved/);
    assert.match(stdout, /SignIn +ru +UCS-2 +16 of 70 +1 part +UCS-2 for Cyrillic/);
    assert.match(stdout, /Everything is in order\./);
    assert.equal(stdout.includes('\u001b'), false);
  });

  test('has colours on a terminal, unless they are declined', onTerminal, async () => {
    const args = ['doctor', '--config', save(config), '--gateways', 'https://nowhere.invalid'];
    assert.ok(terminal(args).output.includes('\u001b[31m'));
    assert.equal(terminal(args, { NO_COLOR: '1' }).output.includes('\u001b['), false);
    assert.equal(terminal(args, { TERM: 'dumb' }).output.includes('\u001b['), false);
  });

  test('works where the native binary does not load, and says why', async (t) => {
    const gateway = await open(t);
    const args = ['doctor', '--config', save(config), '--json', '--gateways', gateway.url];
    const { code, stdout } = await run(args, { flags: ['--no-addons'] });
    assert.equal(code, 1);
    const diagnosis = JSON.parse(stdout);
    assert.equal(diagnosis.binary.loads, false);
    assert.equal(diagnosis.guard.result, 'unknown');
    // Only the connector's own connections say what a message would meet.
    assert.deepEqual([diagnosis.gateways[0].step, diagnosis.account], ['binary', null]);
    assert.deepEqual(gateway.requests, []);
    finds(diagnosis, 'fail', /cannot load its native part/, 'binary');
  });
});

describe('send', () => {
  const number = '79001234567';
  const secrets = [...SECRETS, number];
  const send = (gateway, args, { change, ...options } = {}) => {
    const file = save({ ...config, ...change });
    const all = ['send', '--config', file, '--gateways', gateway.url, ...args];
    return run(all, { secrets, ...options });
  };

  for (const [type, advice] of [
    ['signin', 'Write SignIn\\.'],
    ['Welcome', "Logto's are SignIn, Register, "],
  ]) {
    test(`refuses the usage type ${type}, which Logto does not have`, async (t) => {
      const gateway = await open(t);
      const { code, stderr } = await send(gateway, ['--to', number, '--type', type, '--yes']);
      assert.equal(code, 2);
      assert.match(stderr, new RegExp(`There is no usage type "${type}"\\. ${advice}`));
      assert.deepEqual(gateway.requests, []);
    });
  }

  test('shows what it will say, sends it once and tells what became of it', async (t) => {
    const gateway = await open(t);
    const args = ['--to', '+7 (900) 123-45-67', '--code', '482913', '--yes'];
    const { code, stdout, stderr } = await send(gateway, args);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /to +7900\*{5}67/);
    assert.match(stderr, /sender +Acme/);
    assert.match(stderr, /text +482913 is your code to sign in/);
    assert.match(stderr, /costs +1 part \(GSM\), each billed as a message/);
    assert.match(stdout, /SMS Aero accepted the message: id \d+, status 0 \(queue\), cost 5.49, http:/);
    assert.equal(gateway.messages.length, 1);
    const [{ number: to, sign, test: isTest }] = gateway.messages;
    assert.deepEqual([to, sign, isTest], [number, 'Acme', false]);
  });

  test('chooses type and language, and counts the parts of what it chose', async (t) => {
    const gateway = await open(t);
    const russian = { usageType: 'BindMfa', locale: 'ru', content: `{{code}} ${'я'.repeat(70)}` };
    const change = { templates: [...templates, russian] };
    const args = ['--to', number, '--type', 'BindMfa', '--locale', 'ru-RU', '--yes'];
    const { stderr } = await send(gateway, args, { change });
    assert.match(stderr, /costs +2 parts \(UCS-2, for Cyrillic\)/);
    assert.match(gateway.messages[0].text, /^123456 я/);
  });

  test('sends nothing in test mode, and needs no consent for it', async (t) => {
    const gateway = await open(t);
    for (const [args, change] of [
      [['--test'], {}],
      [[], { testMode: true }],
    ]) {
      const { code, stdout, stderr } = await send(gateway, ['--to', number, ...args], { change });
      assert.equal(code, 0, stderr);
      assert.match(stderr, /nothing is sent or charged: test mode/);
      assert.match(stdout, /accepted the test message/);
    }
    assert.deepEqual(
      gateway.messages.map((message) => message.test),
      [true, true],
    );
    assert.equal(gateway.account.balance, 1000);
  });

  test('sends a text of its own, in the place of a template', async (t) => {
    const gateway = await open(t);
    const { code, stdout, stderr } = await send(gateway, ['--to', number, '--text', 'Здравствуйте, 42!', '--yes'], {
      change: { templates: undefined },
    });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /text +Здравствуйте, 42!\n(.|\n)*costs +1 part \(UCS-2, for Cyrillic\)/);
    assert.match(stdout, /SMS Aero accepted the message: id \d+/);
    assert.deepEqual(
      gateway.messages.map(({ text, sign }) => [text, sign]),
      [['Здравствуйте, 42!', config.senderName]],
    );
  });

  test('does not send without consent', async (t) => {
    const gateway = await open(t);
    const { code, stderr } = await send(gateway, ['--to', number]);
    assert.equal(code, 2);
    assert.match(stderr, /no terminal to ask at: add --yes/);
    assert.equal(gateway.requests.length, 0);
  });

  for (const [answer, code, count] of [
    ['y', 0, 1],
    ['n', 1, 0],
    ['', 1, 0],
  ]) {
    test(`asks on a terminal and takes "${answer}"`, onTerminal, async (t) => {
      const gateway = await open(t);
      const args = ['send', '--config', save(config), '--gateways', gateway.url, '--to', number];
      const outcome = await askedOn(args, `${answer}\n`);
      assert.equal(outcome.code, code, outcome.output);
      assert.match(outcome.output, /costs[\s\S]+Send it\? \[y\/N\]/);
      assert.equal(gateway.messages.length, count);
      if (count === 0) assert.match(outcome.output, /Nothing was sent\./);
    });
  }

  for (const [fault, sentence] of [
    ['unauthorized', /does not accept the credentials.*\[unauthorized\]/],
    ['noMoney', /not enough money.*\[no_money\]/],
    ['validation', /the phone number \(incorrect\).*\[validation\]/],
    ['reset', /may or may not arrive.*\[unknown_outcome\]/],
    [{ kind: 'echo', format: 'text' }, /\[validation\]/],
  ]) {
    const name = fault.kind ?? fault;
    test(`says what ${name} means`, async (t) => {
      const gateway = await open(t);
      gateway.failNext(fault);
      const { code, stdout, stderr } = await send(gateway, ['--to', number, '--yes']);
      assert.equal(code, 1);
      assert.match(stderr, sentence);
      assert.equal(stdout, '');
    });
  }

  for (const [name, change, args, sentence] of [
    ['a configuration that is refused', { apiKey: undefined }, [], /The configuration is refused \(apiKey: Required\)/],
    [
      'a type without a template',
      { templates: templates.slice(0, 4).concat(templates[4]) },
      ['--type', 'BindMfa'],
      /Cannot find template for type: BindMfa\. Add a template/,
    ],
    [
      'a prefix that is not allowed',
      { allowedPrefixes: '375' },
      [],
      /does not begin with any prefix.*\[number_not_allowed\]/,
    ],
  ]) {
    test(`asks SMS Aero nothing for ${name}`, async (t) => {
      const gateway = await open(t);
      const { code, stderr } = await send(gateway, ['--to', number, '--yes', ...args], { change });
      assert.equal(code, 1);
      assert.match(stderr, sentence);
      assert.equal(gateway.requests.length, 0);
    });
  }

  test('leaves a text that SMS Aero refuses to SMS Aero', async (t) => {
    const gateway = await open(t);
    const change = {
      templates: templates.map((one) => ({ ...one, content: `{{code}}${'a'.repeat(700)}` })),
    };
    const { code, stderr } = await send(gateway, ['--to', number, '--yes'], { change });
    assert.equal(code, 1);
    assert.match(stderr, /costs +5 parts/);
    assert.match(stderr, /SMS Aero takes 2 to 640 characters/);
    assert.equal(gateway.requests.length, 1);
  });
});

describe('inbox', () => {
  const start = async (t, args = []) => {
    const command = [...NODE, cli, 'inbox', ...args];
    const { child, output, ended } = execute(command, { env: { PATH: process.env.PATH } });
    t.after(() => child.kill('SIGKILL'));
    const url = await new Promise((resolve, reject) => {
      child.stdout.on('data', () => {
        const found = /SMSAERO_GATEWAYS=(\S+)\n/.exec(output.stdout);
        if (found) resolve(found[1]);
      });
      ended.then(() => reject(new Error(output.output)));
    });
    return { child, url, ended, stdout: () => output.stdout };
  };

  test('prints where it is, takes what the connector sends, and stops when it is asked to', async (t) => {
    const { child, url, ended, stdout } = await start(t);
    assert.match(stdout(), new RegExp(`Inbox: ${url}\n`));
    const env = { SMSAERO_GATEWAYS: url };
    const sent = await run(['send', '--config', save(config), '--to', '79001234567', '--yes'], {
      env,
    });
    assert.equal(sent.code, 0, sent.stderr);
    const next = await (await fetch(`${url}/api/messages/next?to=79001234567`)).json();
    assert.equal(next.code, '123456');
    assert.equal(next.usage, 'SignIn');
    assert.match(await (await fetch(url)).text(), /<title>SMS inbox/);
    child.kill('SIGTERM');
    assert.equal((await ended).code, process.platform === 'win32' ? null : 0);
  });

  test('knows the templates and the sender of a configuration', async (t) => {
    const own = {
      ...config,
      templates: templates.map((one) => ({ ...one, content: `Own ${one.usageType}: {{code}}` })),
    };
    const { url } = await start(t, ['--config', save(own)]);
    const env = { SMSAERO_GATEWAYS: url };
    const args = ['--config', save(own)];
    await run(['send', '--to', '79001234567', '--type', 'BindMfa', '--yes', ...args], { env });
    assert.equal((await (await fetch(`${url}/api/messages`)).json())[0].usage, 'BindMfa');
    const { code, stdout } = await run(['doctor', ...args], { env });
    assert.equal(code, 0, stdout);
  });

  test('says when its port is in use', async (t) => {
    const gateway = await open(t);
    const { code, stderr } = await run(['inbox', '--port', String(gateway.port)]);
    assert.equal(code, 1);
    assert.match(stderr, /The port \d+ is in use/);
  });
});

describe('status', () => {
  const args = (gateway, ...rest) => ['status', ...rest, '--config', save(config), '--gateways', gateway.url];

  test('says in words what became of a message, and whether it stays so', async (t) => {
    const gateway = await open(t);
    await run(['send', '--config', save(config), '--gateways', gateway.url, '--to', '79001234567', '--yes']);
    const [message] = gateway.messages;
    for (const [state, words] of [
      ['queued', /state +in SMS Aero's queue \(0, queue\)\nfinal +no: ask again\n/],
      ['at_operator', /state +handed to the operator/],
      ['moderation', /state +being looked at by SMS Aero's moderators; it may leave minutes later \(8, /],
      ['delivered', /state +delivered to the phone \(1, delivery\)\nfinal +yes\n/],
      ['undelivered', /state +not delivered: .*\nfinal +yes\n/],
      ['rejected', /state +rejected: .*\nfinal +yes\n/],
      ['waiting', /state +waiting to be sent \(4, /],
    ]) {
      gateway.advance(message, state);
      const { code, stdout, output } = await run(args(gateway, String(message.id)), { secrets: ['79001234567'] });
      assert.equal(code, 0, output);
      assert.match(stdout, words);
      assert.match(stdout, /sender +Acme\n/);
    }
    const { stdout } = await run(args(gateway, String(message.id), '--json'));
    assert.deepEqual([JSON.parse(stdout).state, JSON.parse(stdout).isFinal], ['waiting', false]);
  });

  test('of a test message asks with --test', async (t) => {
    const gateway = await open(t);
    await run(['send', '--config', save(config), '--gateways', gateway.url, '--to', '79001234567', '--test']);
    const id = String(gateway.messages[0].id);
    const wrong = await run(args(gateway, id));
    assert.deepEqual([wrong.code, wrong.stdout], [1, '']);
    assert.match(wrong.stderr, /only with testMode.*\[validation\]/);
    assert.equal((await run(args(gateway, id, '--test'))).code, 0);
  });

  test('says what it needs', async (t) => {
    const gateway = await open(t);
    for (const [words, sentence] of [
      [[], /Say which message/],
      [['x'], /ID is the number of a message/],
      [['1', '2'], /there is a word too many/],
    ]) {
      const { code, stderr } = await run(args(gateway, ...words));
      assert.equal(code, 2);
      assert.match(stderr, sentence);
    }
    assert.deepEqual(gateway.requests, []);
  });
});

describe('doctor, of a configuration in test mode', () => {
  test('warns of it in its first line', async (t) => {
    const gateway = await open(t);
    const args = ['doctor', '--gateways', gateway.url, '--config', save({ ...config, testMode: true })];
    const { code, stdout } = await run(args);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^Test mode is on: nobody gets a message\.\n/);
  });
});

describe('demo', () => {
  test('walks from a refused configuration to an account without money, on this machine alone', async () => {
    // Whatever the environment says, it has a gateway of its own.
    const { code, output } = await run(['demo'], { env: { SMSAERO_GATEWAYS: 'https://nowhere.invalid' } });
    assert.equal(code, 0, output);
    for (const line of [/^ {2}email +Invalid email$/m, /^ {2}text +000000 is your/m, /^ {2}costs +1 part, UCS-2$/m]) {
      assert.match(output, line);
    }
    assert.match(output, /the administrator reads +The SMS Aero account has not enough money/);
    assert.match(output, /the user reads +The text message could not be sent/);
  });
});
