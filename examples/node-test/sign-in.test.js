// Run: node --test

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { startGateway } from 'connector-smsaero-native/testing';

import { startShop } from '../shop.js';

let gateway;
let shop;

before(async () => {
  gateway = await startGateway({ account: { allowAnyCredentials: true } });
  shop = await startShop({ gateways: gateway.url });
});
beforeEach(() => gateway.reset());
after(async () => {
  await shop.stop();
  await gateway.stop();
});

const post = async (path, body) => {
  const response = await fetch(shop.url + path, { method: 'POST', body: JSON.stringify(body) });
  return { status: response.status, ...(await response.json()) };
};

test('the code that was sent signs in', async () => {
  await post('/code', { to: '79001234567' });
  const code = await gateway.nextCode('79001234567');
  assert.equal((await post('/sign-in', { code })).message, 'Welcome!');
});

test('an account without money is reported kindly', async () => {
  gateway.failNext('noMoney');
  const { status, message } = await post('/code', { to: '79001234567' });
  assert.equal(status, 502);
  assert.match(message, /try again later/i);
});
