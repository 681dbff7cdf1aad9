// Run: npx vitest run

import { startGateway } from 'connector-smsaero-native/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startShop } from '../shop.js';

let gateway;
let shop;

beforeAll(async () => {
  gateway = await startGateway({ account: { allowAnyCredentials: true } });
  // As a Logto under test would be.
  process.env.SMSAERO_GATEWAYS = gateway.url;
  shop = await startShop();
});
afterAll(async () => {
  delete process.env.SMSAERO_GATEWAYS;
  await shop.stop();
  await gateway.stop();
});

const post = (path, body) => fetch(shop.url + path, { method: 'POST', body: JSON.stringify(body) });

test('the code that was sent signs in', async () => {
  await post('/code', { to: '79001234567' });
  const code = await gateway.nextCode('79001234567');
  expect((await post('/sign-in', { code })).status).toBe(200);
});

test('another code does not', async () => {
  await post('/code', { to: '79001234567' });
  await gateway.nextCode('79001234567');
  expect((await post('/sign-in', { code: 'none' })).status).toBe(401);
});
