// Run by the Node under test: loads an unpacked package with nothing beside it and sends messages.
// Usage: smoke.js PACKAGE CERTIFICATES BINARY, with NODE_EXTRA_CA_CERTS naming the authority: two
// folders and the name of the binary that has to be the one in use.
// Starts no process of its own: under an emulator or a private loader execPath is not a Node.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, certificates, binary] = process.argv.slice(2);
const load = (...path) => import(pathToFileURL(join(folder, ...path)).href);
const read = (name) => readFileSync(join(certificates, name), 'utf8');

assert(!existsSync(join(folder, 'node_modules')), 'the package must stand alone');
const { default: createConnector, sendMessage } = await load('lib', 'index.js');
const { account, startGateway } = await load('testing', 'index.js');

process.report.excludeNetwork = true;
const { sharedObjects } = process.report.getReport();
const used = sharedObjects.map((path) => basename(path)).filter((name) => name.endsWith('.node'));
assert.deepEqual(used, [binary], 'the binary of this platform is the one in use');

const config = {
  email: account.email,
  apiKey: account.apiKey,
  senderName: 'SMSAero',
  templates: ['SignIn', 'Register', 'ForgotPassword', 'Generic'].map((usageType) => ({
    usageType,
    content: `${usageType}: {{code}}, {{ user.name }}, {{missing}}`,
  })),
};
const data = {
  to: '79001234567',
  type: 'SignIn',
  payload: { code: '123456', user: { name: 'Ω' } },
};
const text = 'SignIn: 123456, Ω, {{missing}}';

const { configGuard, metadata } = await createConnector({ getConfig: async () => config });
assert.equal(metadata.id, 'smsaero-short-message-service');
assert.equal(configGuard.safeParse(config).success, true);
assert.equal(configGuard.safeParse({}).error.issues.length, 4);

const tls = { key: read('key.pem'), cert: read('cert.pem') };
for (const options of [{}, { tls }]) {
  const gateway = await startGateway(options);
  const gateways = [gateway.url];

  const receipt = await sendMessage(data, config, { gateways });
  const connector = await createConnector({ getConfig: async () => config, gateways });
  await connector.sendMessage(data);

  assert.equal(receipt.gateway, gateway.url);
  assert.deepEqual(
    gateway.messages.map((message) => message.text),
    [text, text],
  );
  await gateway.stop();
}

// What no authority of ours signed must not be spoken to.
const stranger = await startGateway({
  tls: { key: read('stranger-key.pem'), cert: read('stranger-cert.pem') },
});
await assert.rejects(sendMessage(data, config, { gateways: [stranger.url] }), (error) => {
  assert.equal(error.data.reason, 'unreachable');
  return true;
});
assert.equal(stranger.messages.length, 0);
await stranger.stop();

console.log(`ok ${process.version} ${process.platform}-${process.arch}: load, guard, render, http, TLS`);
