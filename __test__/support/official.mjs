import assert from 'node:assert/strict';

import createOfficial from '@logto/connector-smsaero';
import nock from 'nock';

import createOurs from './package.mjs';
import { accepted, openGateway } from './setup.mjs';
import { faults } from './testing.mjs';

/** The official connector, with its requests caught before they leave. */
export async function startOfficial(getConfig) {
  const requests = [];
  const scope = nock('https://gate.smsaero.ru').persist().post('/v2/sms/send').reply(200, {});
  // Here the body still is what goes over the wire; a reply function would be given parsed JSON.
  scope.on('request', ({ method, path, headers }, interceptor, body) => requests.push({ method, path, headers, body }));
  const connector = await createOfficial({ getConfig });
  return {
    connector,
    requests,
    stop: () => {
      nock.cleanAll();
      nock.restore();
    },
  };
}

/** Both connectors, for messages that come with their configuration; ours has a gateway that takes every message. */
export async function startBoth() {
  const getConfig = async () => assert.fail('the configuration was passed in');
  const gateway = await openGateway();
  gateway.respondWith(faults.reply({ body: accepted() }));
  const official = await startOfficial(getConfig);
  const ours = await createOurs({ getConfig, gateways: [gateway.url] });
  const stop = async () => {
    official.stop();
    await gateway.stop();
  };
  return { gateway, official, ours, stop };
}
