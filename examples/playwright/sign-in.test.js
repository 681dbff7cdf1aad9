// Run: CHROMIUM="$(command -v chromium)" node --test

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startGateway } from 'connector-smsaero-native/testing';

import { startShop } from '../shop.js';
import { launch } from './browser.js';

let gateway;
let shop;
let browser;

before(async () => {
  gateway = await startGateway({ account: { allowAnyCredentials: true } });
  shop = await startShop({ gateways: gateway.url });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await shop.stop();
  await gateway.stop();
});

test('a person signs in with the code from the message', async () => {
  const page = await browser.newPage();
  await page.goto(shop.url);
  await page.getByLabel('Phone').fill('79001234567');
  await page.getByRole('button', { name: 'Send code' }).click();
  await page.getByLabel('Code').fill(await gateway.nextCode('79001234567'));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('Welcome!').waitFor();
});

test('a person learns when no message could be sent', async () => {
  gateway.failNext('unavailable');
  const page = await browser.newPage();
  await page.goto(shop.url);
  await page.getByLabel('Phone').fill('79001234567');
  await page.getByRole('button', { name: 'Send code' }).click();
  await page.getByText('Try again later').waitFor();
  assert.equal(await page.getByLabel('Code').isVisible(), false);
});
