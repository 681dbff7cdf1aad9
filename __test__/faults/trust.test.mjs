import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';

import { fetchedNode } from '../platforms/runtimes.mjs';
import { answerOf, fixture, NODE, temporaryFile, temporaryFolder } from '../support/child.mjs';
import { openGateway } from '../support/setup.mjs';
import { secureGateway } from './environment.mjs';

const DAY_MS = 86_400_000;
const NAMES = ['127.0.0.1'];
const UNTRUSTED = /not signed by an authority that Node trusts/;
const sendOnce = fixture('send-once');
const sendThenTrust = fixture('send-then-trust');

// Node tells of the system's stores since 22.15 and 23.10; an older one of this machine's has none of it. Only a release's
// tests fetch another one.
const recent = fetchedNode(24);

const ownMajor = Number(process.versions.node.split('.')[0]);

let trusted;

before(async () => {
  trusted = await secureGateway({ names: NAMES });
});

after(() => trusted.gateway.stop());

/** Sends one message from a process of its own. */
function post({ gateway }, env = {}, options = {}) {
  const input = { gateways: gateway.url };
  return answerOf(sendOnce, { input, env, ...options });
}

async function assertAccepted(from, env, options) {
  from.gateway.clear();
  const { id, errorDescription } = await post(from, env, options);
  assert.equal(errorDescription, undefined);
  assert.equal(id, from.gateway.messages[0].id);
}

async function assertRefused(from, env, words, options) {
  from.gateway.clear();
  const answer = await post(from, env, options);
  assert.equal(answer.code, 'general');
  assert.equal(answer.reason, 'unreachable');
  assert.match(answer.errorDescription, words);
  assert.ok(answer.errorDescription.includes(`${from.gateway.url}: `), answer.errorDescription);
  assert.equal(from.gateway.requests.length, 0, 'nothing was sent');
}

const extra = ({ caFile }) => ({ NODE_EXTRA_CA_CERTS: caFile });

async function withGateway(t, certificate, secureContext) {
  const opened = await secureGateway({ names: NAMES, ...certificate }, secureContext);
  t.after(() => opened.gateway.stop());
  return opened;
}

describe('certificates', () => {
  test('NODE_EXTRA_CA_CERTS is trusted', () => assertAccepted(trusted, extra(trusted)));

  test('without it the same gateway is refused, and the administrator learns why', () =>
    assertRefused(trusted, {}, UNTRUSTED));

  test('another authority does not help', async (t) => {
    const other = await withGateway(t);
    await assertRefused(trusted, extra(other), UNTRUSTED);
  });

  test('an expired certificate is refused', async (t) => {
    const [notBefore, notAfter] = [-2, -1].map((days) => new Date(Date.now() + days * DAY_MS));
    const expired = await withGateway(t, { notBefore, notAfter });
    await assertRefused(expired, extra(expired), /The certificate has expired/);
  });

  test('a certificate that is not valid yet is refused', async (t) => {
    const early = await withGateway(t, { notBefore: new Date(Date.now() + DAY_MS) });
    await assertRefused(early, extra(early), /The certificate is not valid yet/);
  });

  test('a certificate for another name is refused', async (t) => {
    const wrong = await withGateway(t, { names: ['gate.example'] });
    await assertRefused(wrong, extra(wrong), /The certificate is for another name/);
  });

  test('NODE_TLS_REJECT_UNAUTHORIZED=0 does not switch verification off', () =>
    assertRefused(trusted, { NODE_TLS_REJECT_UNAUTHORIZED: '0' }, UNTRUSTED));

  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    test(`a gateway that speaks ${version} alone is understood`, async (t) => {
      const only = await withGateway(t, {}, { minVersion: version, maxVersion: version });
      await assertAccepted(only, extra(only));
    });
  }

  test('a gateway that speaks nothing newer than TLS 1.1 is refused', async (t) => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    const outdated = await withGateway(t, {}, old);
    await assertRefused(outdated, extra(outdated), /no TLS newer than 1\.1/);
  });

  test('a gateway that speaks no TLS at all is refused', async (t) => {
    const gateway = await openGateway();
    t.after(() => gateway.stop());
    const url = gateway.url.replace('http:', 'https:');
    const { reason, errorDescription } = await post({ gateway: { url } });
    assert.equal(reason, 'unreachable');
    assert.match(errorDescription, /closed during the TLS handshake|does not speak TLS/);
    assert.equal(gateway.requests.length, 0);
  });

  test('a machine without a store of authorities needs nothing but NODE_EXTRA_CA_CERTS', async () => {
    const folder = temporaryFolder();
    const nowhere = { SSL_CERT_FILE: `${folder}/none.pem`, SSL_CERT_DIR: `${folder}/none` };
    await assertAccepted(trusted, { ...nowhere, ...extra(trusted) });
    await assertRefused(trusted, nowhere, UNTRUSTED);
  });

  test('SSL_CERT_FILE alone means nothing to Node, and nothing here', () =>
    assertRefused(trusted, { SSL_CERT_FILE: trusted.caFile }, UNTRUSTED));

  test('NODE_EXTRA_CA_CERTS that names no file, or one with nothing in it, does no harm', async (t) => {
    const garbage = temporaryFile('ca.pem', 'no certificate');
    for (const file of [`${temporaryFolder()}/none.pem`, garbage]) {
      await t.test(file.endsWith('none.pem') ? 'no file' : 'nothing in it', () =>
        assertRefused(trusted, { NODE_EXTRA_CA_CERTS: file }, UNTRUSTED),
      );
    }
  });

  test('all certificates of the file count, whatever else is in it', async (t) => {
    const other = await withGateway(t);
    const all = temporaryFile('ca.pem', `# ours\n${other.ca}\nsome words\n${trusted.ca}\n`);
    await assertAccepted(trusted, { NODE_EXTRA_CA_CERTS: all });
    await assertAccepted(other, { NODE_EXTRA_CA_CERTS: all });
  });

  const isThere = typeof recent === 'string';
  const without = isThere ? '' : ' (not run: no Node 24 here, and npm has none to give)';
  const nodes = [{ name: 'Node 24', node: recent, skip: !isThere }];
  if (ownMajor >= 22 && ownMajor !== 24) {
    nodes.push({ name: `Node ${ownMajor}`, node: NODE, skip: false });
  }

  // Windows and macOS have stores of their own, into which no test should put an authority.
  const hasFile = process.platform === 'linux';
  const elsewhere = hasFile ? '' : ' (not run: the store of this system is no file)';

  for (const { name, node, skip } of nodes) {
    const store = () => ({ SSL_CERT_FILE: trusted.caFile, SSL_CERT_DIR: temporaryFolder() });

    test(
      `--use-system-ca trusts the system's store: ${name}${skip ? without : elsewhere}`,
      { skip: skip || !hasFile },
      () => assertAccepted(trusted, store(), { node, flags: ['--use-system-ca'] }),
    );

    test(
      `NODE_USE_SYSTEM_CA trusts the system's store: ${name}${skip ? without : elsewhere}`,
      { skip: skip || !hasFile },
      () => assertAccepted(trusted, { ...store(), NODE_USE_SYSTEM_CA: '1' }, { node }),
    );

    test(`without them it is not trusted: ${name}${skip ? without : ''}`, { skip }, () =>
      assertRefused(trusted, store(), UNTRUSTED, { node }),
    );

    test(`--use-openssl-ca trusts OpenSSL's store: ${name}${skip ? without : ''}`, { skip }, () =>
      assertAccepted(trusted, store(), { node, flags: ['--use-openssl-ca'] }),
    );

    test(`NODE_EXTRA_CA_CERTS is trusted: ${name}${skip ? without : ''}`, { skip }, () =>
      assertAccepted(trusted, extra(trusted), { node }),
    );

    test(`NODE_TLS_REJECT_UNAUTHORIZED=0 changes nothing: ${name}${skip ? without : ''}`, { skip }, () =>
      assertRefused(trusted, { NODE_TLS_REJECT_UNAUTHORIZED: '0' }, UNTRUSTED, { node }),
    );
  }

  const setters = [{ name: 'Node 24', node: recent, skip: !isThere }];
  if (tls.setDefaultCACertificates) setters.push({ name: 'this Node', node: NODE, skip: false });

  for (const { name, node, skip } of setters) {
    const title = `an authority that is set while the process runs is trusted: ${name}${skip ? without : ''}`;
    test(title, { skip }, async () => {
      trusted.gateway.clear();
      const input = { gateways: trusted.gateway.url, caFile: trusted.caFile };
      const sent = await answerOf(sendThenTrust, { input, node });
      assert.equal(sent.before.reason, 'unreachable');
      assert.equal(sent.after.errorDescription, undefined);
      assert.equal(sent.after.id, trusted.gateway.messages[0].id);
      assert.equal(trusted.gateway.messages.length, 1);
    });
  }

  test("--use-openssl-ca trusts OpenSSL's store on this Node too", () => {
    const env = { SSL_CERT_FILE: trusted.caFile, SSL_CERT_DIR: temporaryFolder() };
    return assertAccepted(trusted, env, { flags: ['--use-openssl-ca'] });
  });
});
