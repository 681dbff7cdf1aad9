import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { FIXTURE_SECRETS } from '../fixtures/sample.mjs';
import { fixture, run, temporaryFile } from '../support/child.mjs';
import { openGateway, resetGateway } from '../support/setup.mjs';
import { certificate, faults } from '../support/testing.mjs';
import { refusedPort } from './environment.mjs';
import { startProxy } from './proxy.mjs';

const USER = 'PROXYUSER';
const PASSWORD = 'PROXYPASS%2F';
const CREDENTIALS = `${USER}:${decodeURIComponent(PASSWORD)}`;
const PROXY_SECRETS = /PROXYUSER|PROXYPASS|UFJPWFlVU0VS/i;
const GATE = 'https://gate.test';
const sendOnce = fixture('send-once');

let gateway;
let caFile;
let secure;
let open;

before(async () => {
  secure = certificate({ names: ['gate.test', '127.0.0.1'] });
  caFile = temporaryFile('ca.pem', secure.ca);
  gateway = await openGateway({ tls: secure });
  open = await startProxy({ target: gateway.port });
});

after(async () => {
  await open.stop();
  await gateway.stop();
});

beforeEach(() => {
  resetGateway(gateway);
  open.seen.length = 0;
});

async function proxy(t, options) {
  const started = await startProxy({ target: gateway.port, ...options });
  t.after(() => started.stop());
  return started;
}

/** Sends one message from a process of its own, and looks through all it printed. */
async function post(env, gateways = GATE, options = {}) {
  const input = { gateways, timeoutMs: 3000, connectTimeoutMs: 1500, ...options };
  const debug = { NODE_DEBUG: 'smsaero', NODE_EXTRA_CA_CERTS: caFile };
  const { stdout, stderr } = await run(sendOnce, { input, env: { ...debug, ...env } });
  for (const output of [stdout, stderr]) {
    assert.doesNotMatch(output, FIXTURE_SECRETS);
    assert.doesNotMatch(output, PROXY_SECRETS);
  }
  return JSON.parse(stdout.trimEnd().split('\n').at(-1));
}

async function assertThrough({ seen }, env, gateways) {
  const { id, errorDescription } = await post(env, gateways);
  assert.equal(errorDescription, undefined);
  assert.equal(id, gateway.messages.at(-1).id);
  assert.deepEqual(
    seen.map(({ method, url }) => [method, url]),
    [['CONNECT', 'gate.test:443']],
  );
  for (const { headers } of seen) assert.equal(headers.authorization, undefined);
}

async function assertNotThrough({ seen }, env, gateways) {
  const answer = await post(env, gateways);
  assert.deepEqual(seen, []);
  return answer;
}

describe('proxies', () => {
  for (const name of ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy']) {
    test(`${name} names the proxy`, () => assertThrough(open, { [name]: open.url }));
  }

  test('a proxy may be written without its scheme', () => assertThrough(open, { HTTPS_PROXY: open.host }));

  test('the proxy for https goes before that for all', async (t) => {
    const other = await proxy(t, {});
    await assertThrough(open, { HTTPS_PROXY: open.url, ALL_PROXY: other.url });
    assert.deepEqual(other.seen, []);
  });

  test('an empty variable is none', async () => {
    await assertThrough(open, { HTTPS_PROXY: '', ALL_PROXY: open.url });
    open.seen.length = 0;
    const { reason } = await assertNotThrough(open, { HTTPS_PROXY: '', ALL_PROXY: '' });
    assert.equal(reason, 'unreachable');
  });

  test('HTTP_PROXY is for http, which never leaves this machine', async () => {
    const { reason } = await assertNotThrough(open, { HTTP_PROXY: open.url, http_proxy: open.url });
    assert.equal(reason, 'unreachable');
  });

  for (const name of ['NO_PROXY', 'no_proxy']) {
    for (const list of ['gate.test', '.test', 'other.example, gate.test', '*']) {
      test(`${name}=${list} goes without the proxy`, async () => {
        // Nobody but the proxy knows this name.
        const answer = await assertNotThrough(open, { HTTPS_PROXY: open.url, [name]: list });
        assert.equal(answer.reason, 'unreachable');
        assert.doesNotMatch(answer.errorDescription, /through the proxy/);
      });
    }

    test(`${name} of another name changes nothing`, () =>
      assertThrough(open, { HTTPS_PROXY: open.url, [name]: 'gate.example,est' }));
  }

  test('what is on this machine never goes through the proxy', async () => {
    const env = { HTTPS_PROXY: open.url, ALL_PROXY: open.url, HTTP_PROXY: open.url };
    const { id } = await assertNotThrough(open, env, gateway.url);
    assert.equal(id, gateway.messages[0].id);
    const plain = await openGateway();
    try {
      assert.equal((await assertNotThrough(open, env, plain.url)).id, plain.messages[0].id);
      const mixed = `${plain.url},${gateway.url}`;
      assert.equal((await assertNotThrough(open, env, mixed)).id, plain.messages[1].id);
    } finally {
      await plain.stop();
    }
  });

  test('credentials reach the proxy, and nobody else', async (t) => {
    const guarded = await proxy(t, { credentials: CREDENTIALS });
    await assertThrough(guarded, {
      HTTPS_PROXY: guarded.url.replace('//', `//${USER}:${PASSWORD}@`),
    });
    const [{ headers }] = guarded.seen;
    const encoded = Buffer.from(CREDENTIALS).toString('base64');
    assert.equal(headers['proxy-authorization'], `Basic ${encoded}`);
    const [request] = gateway.requests;
    assert.equal(request.headers['proxy-authorization'], undefined);
  });

  test('credentials may be written without a scheme', async (t) => {
    const guarded = await proxy(t, { credentials: CREDENTIALS });
    await assertThrough(guarded, { HTTPS_PROXY: `${USER}:${PASSWORD}@${guarded.host}` });
  });

  /** The proxy is named without what it was given, and nothing was sent. */
  function assertNamed({ host }, { code, reason, message, errorDescription }, words) {
    assert.equal(code, 'general');
    assert.equal(reason, 'unreachable');
    assert.ok(errorDescription.includes(`through the proxy ${host}: `), errorDescription);
    assert.match(errorDescription, words);
    assert.doesNotMatch(message, /proxy/);
    assert.equal(gateway.requests.length, 0);
  }

  const withCredentials = ({ url }) => url.replace('//', `//${USER}:${PASSWORD}@`);

  test('a password that is escaped badly is taken as it stands', async (t) => {
    const guarded = await proxy(t, { credentials: `${USER}:PROXYPASS%zz` });
    await assertThrough(guarded, { HTTPS_PROXY: guarded.url.replace('//', `//${USER}:PROXYPASS%zz@`) });
  });

  test('a proxy that wants other credentials is named as such', async (t) => {
    const guarded = await proxy(t, { credentials: 'somebody:else' });
    assertNamed(guarded, await post({ HTTPS_PROXY: withCredentials(guarded) }), /authori[sz]ation/);
    assertNamed(guarded, await post({ HTTPS_PROXY: guarded.url }), /authori[sz]ation/);
  });

  test('a proxy that refuses is named as such', async (t) => {
    const closed = await proxy(t, { status: 403 });
    const answer = await post({ HTTPS_PROXY: withCredentials(closed) });
    assertNamed(closed, answer, /through the proxy \S+: .*(unsuccessful|refused|403)/);
  });

  test('a proxy that is not there is named as such', async () => {
    const host = `127.0.0.1:${await refusedPort()}`;
    const answer = await post({ HTTPS_PROXY: `http://${USER}:${PASSWORD}@${host}` });
    assertNamed({ host }, answer, /refused/i);
  });

  test('a proxy that resets is named as such', async (t) => {
    const broken = await proxy(t, { mode: 'reset' });
    // Linux and macOS say that it was reset, Windows that it was closed by force, Wine that it ended.
    assertNamed(broken, await post({ HTTPS_PROXY: withCredentials(broken) }), /reset|forcibly closed|end of file/i);
  });

  test('a proxy that says nothing is given up in time, by its name', async (t) => {
    const mute = await proxy(t, { mode: 'hold' });
    const env = { HTTPS_PROXY: withCredentials(mute) };
    const { reason, errorDescription } = await post(env, GATE, { connectTimeoutMs: 300 });
    assert.equal(reason, 'timeout');
    assert.ok(errorDescription.includes(`through the proxy ${mute.host}: `), errorDescription);
  });

  for (const unusable of ['socks5', 'socks4', 'ftp']) {
    test(`a proxy of ${unusable} is refused rather than gone around`, async () => {
      const url = `${unusable}://${USER}:${PASSWORD}@${open.host}`;
      const { reason, errorDescription } = await assertNotThrough(open, { ALL_PROXY: url });
      assert.equal(reason, 'unreachable');
      assert.match(errorDescription, /HTTPS_PROXY or ALL_PROXY does not name a proxy/);
      const { id } = await post({ ALL_PROXY: url }, gateway.url);
      assert.equal(id, gateway.messages[0].id, 'this machine needs no proxy');
      gateway.clear();
    });
  }

  test('a bad certificate behind the proxy is refused', async () => {
    const answer = await post({ HTTPS_PROXY: open.url, NODE_EXTRA_CA_CERTS: '' });
    assertNamed(open, answer, /not signed by an authority that Node trusts/);
  });

  test('a proxy may speak TLS itself, trusted as Node trusts', async (t) => {
    const { key, cert } = secure;
    const wrapped = await proxy(t, { tls: { key, cert } });
    await assertThrough(wrapped, { HTTPS_PROXY: wrapped.url });
  });

  test('the next gateway is tried through the proxy too', async (t) => {
    const both = await proxy(t, {});
    gateway.failNext(faults.reset({ when: 'before' }));
    const { id } = await post({ HTTPS_PROXY: both.url }, `${GATE}/first,${GATE}`);
    assert.equal(id, gateway.messages[0].id);
    assert.equal(both.seen.length, 2);
  });

  test('the neutral sentence for an end user says nothing of the proxy', async (t) => {
    const closed = await proxy(t, { status: 403 });
    const env = { HTTPS_PROXY: withCredentials(closed), SMSAERO_GATEWAYS: GATE };
    const { stdout } = await run(fixture('end-user'), { env });
    const { errorDescription, reason } = JSON.parse(stdout);
    assert.equal(reason, 'unreachable');
    assert.equal(errorDescription, 'The text message could not be sent. Please try again later.');
    assert.ok(!stdout.includes(closed.host));
  });
});
