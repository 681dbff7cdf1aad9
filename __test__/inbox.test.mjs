import assert from 'node:assert/strict';
import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { chromium as findChromium, prepare } from '../examples/prepare.js';
import { createConnector, inPackage, sendMessage } from './support/package.mjs';

const { startInbox } = await import(inPackage('testing', 'ui.js'));
const { forcedBy } = await import(inPackage('testing', 'segments.js'));
const { usageFinder } = await import(inPackage('testing', 'match-template.js'));

const { metadata } = await createConnector({ getConfig: async () => ({}) });
const templates = [
  ...metadata.formItems.find(({ key }) => key === 'templates').defaultValue,
  {
    usageType: 'SignIn',
    locale: 'ru',
    content: '{{code}} — код для входа. Никому его не сообщайте.',
  },
];
const config = { email: 'owner@example.com', apiKey: 'key', senderName: 'Acme', templates };

const open = async (t) => {
  const inbox = await startInbox({ templates });
  // In this order: a page that outlives its inbox throws.
  const closing = [];
  t.after(async () => {
    for (const close of closing) await close();
    await inbox.stop();
  });
  const send = (to, type, code, { locale, testMode, timeoutMs } = {}) =>
    sendMessage(
      { to, type, payload: { code, ...(locale && { locale }) } },
      { ...config, ...(testMode && { testMode }) },
      { gateways: inbox.url, timeoutMs },
    );
  const api = async (path, options) => {
    const response = await fetch(inbox.url + path, options);
    return { status: response.status, body: await response.json() };
  };
  return { inbox, send, api, closing };
};

// What fetch does not let a caller say: any Host, any browser's header.
const raw = (url, { method = 'GET', path = '/', headers, body } = {}) =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const request = http.request(
      { hostname, port, method, path, headers, agent: false },
      (response) => {
        let text = '';
        response.on('data', (chunk) => (text += chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode, headers: response.headers, text }),
        );
      },
    );
    request.once('error', reject);
    request.end(body);
  });

describe('the JSON API', () => {
  test('lists messages, of one number where asked, with what they are for', async (t) => {
    const { send, api } = await open(t);
    await send('79001234567', 'SignIn', '111111');
    await send('491701234567', 'Register', '222222');
    await send('79001234567', 'SignIn', '333333', { locale: 'ru' });
    const { body: all } = await api('/api/messages');
    assert.deepEqual(
      all.map(({ code }) => code),
      ['111111', '222222', '333333'],
    );
    assert.deepEqual(
      all.map(({ usage }) => usage),
      ['SignIn', 'Register', 'SignIn'],
    );
    assert.equal(all[2].alphabet, 'UCS-2');
    assert.deepEqual(
      all.map(({ forcedBy }) => forcedBy),
      [null, null, 'Cyrillic'],
    );
    const { body: some } = await api('/api/messages?to=%2B7%20900%20123-45-67');
    assert.deepEqual(
      some.map(({ code }) => code),
      ['111111', '333333'],
    );
    assert.equal('headers' in some[0], false);
  });

  test('waits for the next code to a number and hands it out once', async (t) => {
    const { send, api } = await open(t);
    const waiting = api('/api/messages/next?to=79001234567&timeout=5000');
    await send('491701234567', 'SignIn', '111111');
    await send('79001234567', 'SignIn', '222222');
    const { status, body } = await waiting;
    assert.equal(status, 200);
    assert.equal(body.code, '222222');
    const again = await api('/api/messages/next?to=79001234567&timeout=30');
    assert.equal(again.status, 504);
    assert.match(again.body.error, /No code to 79001234567 came within 30 ms/);
  });

  test('a poll that was given up takes no message', async (t) => {
    const { inbox, send, api } = await open(t);
    const gone = new AbortController();
    const polled = fetch(`${inbox.url}/api/messages/next`, { signal: gone.signal });
    setTimeout(() => gone.abort(), 50);
    await assert.rejects(polled);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await send('79001234567', 'SignIn', '111111');
    assert.equal((await api('/api/messages/next')).body.code, '111111');
  });

  test('fails the next message, in order, and can be forgiven', async (t) => {
    const { send, api } = await open(t);
    const post = (body) => api('/api/fail-next', { method: 'POST', body: JSON.stringify(body) });
    await post([{ kind: 'noMoney' }, 'rejected']);
    await assert.rejects(
      send('79001234567', 'SignIn', '111111'),
      ({ data }) => data.reason === 'no_money',
    );
    const { body: faults } = await api('/api/fail-next');
    assert.deepEqual(faults.pending, [{ kind: 'rejected' }]);
    assert.equal(faults.met[0].number, '79001234567');
    await api('/api/fail-next', { method: 'DELETE' });
    await send('79001234567', 'SignIn', '222222');
    assert.equal((await post({ kind: 'nonsense' })).status, 400);
    assert.equal((await post(null)).status, 400);
    assert.equal((await post({ kind: 'reset', when: 'before' })).status, 400);
    assert.equal((await api('/api/fail-next', { method: 'POST', body: '{' })).status, 400);
  });

  test('forgets everything when told to', async (t) => {
    const { send, api } = await open(t);
    await send('79001234567', 'SignIn', '111111');
    await api('/api/messages', { method: 'DELETE' });
    assert.deepEqual((await api('/api/messages')).body, []);
  });

  test('says what it does not have', async (t) => {
    const { api } = await open(t);
    assert.equal((await api('/nothing')).status, 404);
    assert.equal((await api('/api/messages', { method: 'PUT' })).status, 405);
    assert.equal((await api('/api/messages/next?timeout=soon')).status, 400);
    assert.equal((await api('/api/messages/next?timeout=600001')).status, 400);
  });

  test('shows nothing to other origins and other names of this machine', async (t) => {
    const { inbox, send } = await open(t);
    await send('79001234567', 'SignIn', '111111');
    const own = `127.0.0.1:${inbox.port}`;
    const refused = [
      { path: '/api/messages', headers: { host: `evil.example:${inbox.port}` } },
      { path: '/', headers: { host: 'evil.example' } },
      {
        path: '/v2/sms/status?id=100000001',
        headers: { host: 'evil.example', authorization: 'Basic YTpi' },
      },
      { path: '/api/messages', headers: { host: own, origin: 'http://evil.example' } },
      { path: '/api/messages', headers: { host: own, 'sec-fetch-site': 'cross-site' } },
      { path: '/api/messages/next', headers: { host: own, 'sec-fetch-site': 'same-site' } },
      {
        path: '/api/messages',
        headers: { host: own, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
      },
      {
        path: '/api/fail-next',
        method: 'POST',
        body: '"noMoney"',
        headers: { host: own, origin: 'null' },
      },
    ];
    for (const request of refused) {
      const { status, text, headers } = await raw(inbox.url, request);
      assert.equal(status, 403, JSON.stringify(request));
      assert.doesNotMatch(text, /111111/);
      assert.equal(headers['access-control-allow-origin'], undefined);
    }
    for (const host of [own, `localhost:${inbox.port}`, '[::1]', '127.8.8.8']) {
      assert.equal(
        (await raw(inbox.url, { path: '/api/messages', headers: { host } })).status,
        200,
        host,
      );
    }
    const visit = { host: own, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    assert.equal((await raw(inbox.url, { headers: visit })).status, 200);
  });

  test('knows a template by what it says itself', () => {
    const usageOf = usageFinder([
      { usageType: 'Generic', content: '{{code}}' },
      { usageType: 'SignIn', content: '{{ code }} signs in (now).' },
      { usageType: 'Register', content: 'Same {{code}}' },
      { usageType: 'BindMfa', content: 'Same {{code}}' },
    ]);
    assert.equal(usageOf('123456 signs in (now).'), 'SignIn');
    assert.equal(usageOf('123456'), 'Generic');
    assert.equal(usageOf('Same 1'), 'Register or BindMfa');
    assert.equal(usageFinder([])('123456'), null);
  });
});

describe('the JSON API in bad company', () => {
  test('limits a body whatever its framing, and answers odd addresses', async (t) => {
    const { inbox } = await open(t);
    const body = `"${'x'.repeat(70_000)}"`;
    for (const headers of [{ 'transfer-encoding': 'chunked' }, { 'content-length': body.length }]) {
      const { status } = await raw(inbox.url, {
        method: 'POST',
        path: '/api/fail-next',
        headers,
        body,
      });
      assert.equal(status, 413, JSON.stringify(headers));
    }
    for (const path of ['//:', '//', '/%', '//[', '/api//']) {
      const { status } = await raw(inbox.url, { path });
      assert.ok([400, 404].includes(status), `${path}: ${status}`);
    }
  });

  test('keeps little for a tab that stalls, and tells it to catch up', async (t) => {
    const { inbox, api } = await open(t);
    const tab = connect(inbox.port, '127.0.0.1');
    t.after(() => tab.destroy());
    tab.write(`GET /api/events HTTP/1.1\r\nhost: 127.0.0.1:${inbox.port}\r\n\r\n`);
    await once(tab, 'readable');
    // From here on the tab reads nothing.
    const count = 3000;
    const faults = Array.from({ length: count }, () => 'noMoney');
    await api('/api/fail-next', { method: 'POST', body: JSON.stringify(faults) });
    const authorization = `Basic ${btoa('me:key')}`;
    const text = `Your code is 482913. ${'x'.repeat(10_000)}`;
    const message = { number: '79001234567', sign: 'Acme', text };
    const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
    t.after(() => agent.destroy());
    const post = () =>
      new Promise((resolve, reject) => {
        const headers = { authorization, 'content-type': 'application/json' };
        const options = { method: 'POST', agent, headers };
        const request = http.request(`${inbox.url}/v2/sms/send`, options, (response) =>
          response.resume().once('end', () => resolve(response.statusCode)),
        );
        request.once('error', reject);
        request.end(JSON.stringify(message));
      });
    const statuses = await Promise.all(Array.from({ length: count }, post));
    assert.deepEqual([...new Set(statuses)], [402]);
    let received = 0;
    let end = '';
    const caughtUp = new Promise((resolve) => {
      tab.on('data', (chunk) => {
        received += chunk.length;
        end = (end + chunk.toString('latin1')).slice(-4096);
        if (end.includes('event: missed')) resolve();
      });
    });
    await caughtUp;
    // What the system keeps for the socket, and the inbox's own megabyte: far less than all events.
    assert.ok(received < 12 << 20, `${received} bytes`);
    const { body } = await api('/api/fail-next');
    assert.equal(body.met.length, 200);
  });

  test('finds the template of a long text at once', () => {
    const usageOf = usageFinder([
      { usageType: 'A', content: `${'{{a}}x'.repeat(30)}!` },
      { usageType: 'B', content: 'Code {{code}}: {{link}}.' },
      { usageType: 'C', content: '{{code}}' },
      { usageType: 'D', content: 'aba{{x}}aba' },
    ]);
    // A regular expression of the first one takes seconds for a text that fits but for its end.
    assert.equal(usageOf('x'.repeat(5_000)), 'C');
    assert.equal(usageOf(`${'x'.repeat(5_000)}!`), 'A');
    assert.equal(usageOf(`Code 1: ${'y'.repeat(1_000)}.`), 'B');
    assert.equal(usageOf('abaaba'), 'D');
    assert.equal(usageOf('ababa'), 'C');
  });
});

describe('why a text is UCS-2', () => {
  for (const [text, cause] of [
    ['Your code is 123456', null],
    ['Код: 123456', { script: 'Cyrillic' }],
    ['Ваш код — 123456. Никому его не сообщайте.', { script: 'Cyrillic' }],
    ['Your code — 123456', { characters: ['—'] }],
    ['Your cоde: №1 “x”', { characters: ['о', '№', '“'] }],
    ['您的验证码是 123456', { script: 'Han' }],
    ['😀', { characters: ['😀'] }],
    ['Łódź: 123456', { characters: ['Ł', 'ó', 'ź'] }],
  ]) {
    test(`of "${text}"`, () => assert.deepEqual(forcedBy(text), cause));
  }
});

describe('the page', () => {
  let browser;

  before(async () => {
    const executablePath = await findChromium();
    const require = createRequire(`${await prepare()}/`);
    const { chromium } = require('playwright-core');
    const args = [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-lcd-text',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ];
    browser = await chromium.launch({ executablePath, headless: true, args });
  });
  after(() => browser?.close());

  // Every test also proves that nothing else was asked for and nothing complained.
  const visit = async (t, { script, permissions = [], ...options } = {}) => {
    const opened = await open(t);
    const { inbox, closing } = opened;
    const context = await browser.newContext({
      viewport: { width: 1100, height: 760 },
      ...options,
    });
    await context.grantPermissions(permissions, { origin: inbox.url });
    const page = await context.newPage();
    const problems = [];
    const foreign = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(`${inbox.url}/`) && !url.startsWith('data:')) foreign.push(url);
    });
    closing.push(async () => {
      await context.close();
      assert.deepEqual(problems, []);
      assert.deepEqual(foreign, []);
    });
    if (script) await page.addInitScript(script);
    await page.goto(inbox.url);
    await page.locator('#live:not([data-state=lost])').waitFor();
    return { ...opened, page, context };
  };

  const cards = (page) => page.locator('article.message:visible');

  test('drops what the inbox has dropped, keeps the focus, and announces nothing again', async (t) => {
    const { page, send, inbox } = await visit(t);
    const codes = ['111111', '222222', '333333'];
    for (const code of codes) await send('79001234567', 'SignIn', code);
    await cards(page).nth(2).waitFor();
    await page.evaluate(() => {
      window.announced = [];
      new MutationObserver(() => {
        const words = document.getElementById('announcer').textContent;
        if (words) window.announced.push(words);
      }).observe(document.getElementById('announcer'), { childList: true });
    });
    await cards(page).nth(0).focus();
    // What happens when the inbox keeps no more: its oldest message is gone at the next refresh.
    inbox.messages.shift();
    await page.evaluate(() => refresh());
    await page.getByText('2 messages').waitFor();
    const state = await page.evaluate(() => [
      document.activeElement.textContent.includes('333333'),
      window.announced,
      document.title,
    ]);
    assert.deepEqual(state, [true, [], 'SMS inbox']);
    await page.evaluate(() => {
      for (let id = 1; id <= 1005; id += 1)
        addMessage(
          { ...{ number: '7', text: 'x', sign: 'x', code: null, parts: 1 }, id, at: id },
          false,
        );
      trim();
      filter();
    });
    await page.getByText('1000 messages').waitFor();
    assert.ok(await page.evaluate(() => document.activeElement.textContent.includes('333333')));
  });

  test('shows a message as it arrives', async (t) => {
    const { page, send } = await visit(t);
    await page.getByText('No message yet').waitFor();
    await send('79001234567', 'SignIn', '482913');
    const card = page.getByRole('article', { name: 'Message to 79001234567' });
    await card.getByText('482913', { exact: true }).waitFor();
    assert.match(await card.textContent(), /\+79001234567/);
    assert.match(await card.textContent(), /SignIn/);
    assert.match(await card.textContent(), /from Acme/);
    assert.match(await card.textContent(), /1 part/);
    assert.match(await card.textContent(), /GSM/);
    assert.equal(await page.getByText('No message yet').isVisible(), false);
    await page
      .locator('#announcer', { hasText: 'code 4 8 2 9 1 3' })
      .waitFor({ state: 'attached' });
  });

  test('puts text on the page, never markup', async (t) => {
    const { page, send } = await visit(t);
    await send('79001234567', 'SignIn', '<img src=x onerror=alert(1)>');
    await cards(page).getByText('<img src=x').waitFor();
    assert.equal(await page.locator('article img').count(), 0);
  });

  test('shows what came before it was opened, newest first', async (t) => {
    const { page, send } = await visit(t);
    await send('79001234567', 'SignIn', '111111');
    await send('79001234567', 'SignIn', '222222');
    await page.reload();
    await cards(page).nth(1).waitFor();
    assert.deepEqual(await page.locator('.code strong').allTextContents(), ['222222', '111111']);
  });

  test('finds messages', async (t) => {
    const { page, send } = await visit(t);
    await send('79001234567', 'SignIn', '111111');
    await send('491701234567', 'Register', '222222');
    await cards(page).nth(1).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('create 4917');
    await page.getByText('1 found in 2 messages').waitFor();
    assert.equal(await cards(page).count(), 1);
    await page.getByLabel('Search messages').fill('nobody');
    await page.getByText('Nothing found').waitFor();
    await page.keyboard.press('Escape');
    assert.equal(await cards(page).count(), 2);
    assert.equal(await page.getByLabel('Search messages').inputValue(), '');
  });

  test('copies a code', async (t) => {
    const permissions = ['clipboard-read', 'clipboard-write'];
    const { page, send } = await visit(t, { permissions });
    await send('79001234567', 'SignIn', '482913');
    await page.getByRole('button', { name: 'Copy the code 482913' }).click();
    await page
      .locator('#announcer', { hasText: 'Copied the code 482913' })
      .waitFor({ state: 'attached' });
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), '482913');
  });

  test('copies a code without the clipboard interface', async (t) => {
    const script = () =>
      Object.defineProperty(Navigator.prototype, 'clipboard', { get: () => undefined });
    const { page, send } = await visit(t, { script });
    await send('79001234567', 'SignIn', '482913');
    await page.getByRole('button', { name: 'Copy the code 482913' }).click();
    await page
      .locator('#announcer', { hasText: 'Copied the code 482913' })
      .waitFor({ state: 'attached' });
    await page.getByLabel('Search messages').focus();
    await page.keyboard.press('Control+V');
    assert.equal(await page.getByLabel('Search messages').inputValue(), '482913');
  });

  test('is used by keyboard alone', async (t) => {
    const permissions = ['clipboard-read', 'clipboard-write'];
    const { page, send } = await visit(t, { permissions });
    for (const code of ['111111', '222222', '333333']) await send('79001234567', 'SignIn', code);
    await cards(page).nth(2).waitFor();
    const focused = () => page.evaluate(() => document.activeElement.dataset.code);
    await page.keyboard.press('j');
    assert.equal(await focused(), '333333');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    assert.equal(await focused(), '111111');
    await page.keyboard.press('k');
    assert.equal(await focused(), '222222');
    await page.keyboard.press('c');
    await page
      .locator('#announcer', { hasText: 'Copied the code 222222' })
      .waitFor({ state: 'attached' });
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), '222222');
    await page.keyboard.press('Escape');
    assert.equal(await focused(), undefined);
    await page.keyboard.press('Tab');
    const outline = await page.evaluate(
      () => getComputedStyle(document.activeElement).outlineStyle,
    );
    assert.notEqual(outline, 'none');
  });

  const reasons = {
    'Invalid field': 'validation',
    'Wrong credentials': 'unauthorized',
    'No money': 'no_money',
    'IP not allowed': 'ip_not_allowed',
    'Rate limit': 'rate_limited',
    Rejected: 'rejected',
    'Refused with 200': 'rejected',
    Outage: 'unavailable',
    Silence: 'unknown_outcome',
    Reset: 'unknown_outcome',
    'Half a reply': 'unknown_outcome',
    'Foreign page': 'bad_response',
    Redirect: 'bad_response',
    Garbage: 'unknown_outcome',
  };
  test('each button makes the next message fail, and only that one', async (t) => {
    const { page, send } = await visit(t);
    for (const [name, reason] of Object.entries(reasons)) {
      await page.getByRole('button', { name, exact: true }).click();
      await page.getByText(`Next: ${name}`).waitFor();
      await assert.rejects(
        send('79001234567', 'SignIn', '482913', { timeoutMs: 500 }),
        ({ data }) => data.reason === reason,
        name,
      );
      await page.getByText(`Next: ${name}`).waitFor({ state: 'hidden' });
    }
    await page.getByText('refused: not enough money (402)').waitFor();
    await page.getByRole('button', { name: 'Slow reply' }).click();
    await page.getByText('Next: Slow reply').waitFor();
    await send('79001234567', 'SignIn', '600600');
    const kinds = await page.locator('[data-fault]').count();
    assert.equal(kinds, Object.keys(reasons).length + 1);
    await page.getByRole('button', { name: 'Clear all' }).click();
    await page.getByText('No message yet').waitFor();
  });

  test('a failure can be taken back', async (t) => {
    const { page, send } = await visit(t);
    await page.getByRole('button', { name: 'Outage' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('Next: Outage').waitFor({ state: 'hidden' });
    await send('79001234567', 'SignIn', '482913');
    await cards(page).first().waitFor();
  });

  test('asks every two seconds where server-sent events do not work', async (t) => {
    const { page, send } = await visit(t, { script: () => delete window.EventSource });
    await page.getByText('Live, every two seconds').waitFor();
    await send('79001234567', 'SignIn', '482913');
    await cards(page).getByText('482913', { exact: true }).waitFor();
  });

  for (const colorScheme of ['light', 'dark']) {
    test(`is legible in ${colorScheme}`, async (t) => {
      const { page, send } = await visit(t, { colorScheme, reducedMotion: 'reduce' });
      await page.getByRole('button', { name: 'No money' }).click();
      await page.getByText('Next: No money').waitFor();
      await assert.rejects(send('79001234567', 'SignIn', '111111'));
      await send('79001234567', 'SignIn', '222222', { testMode: true });
      await page.getByRole('button', { name: 'Outage' }).click();
      await page.getByText('Next: Outage').waitFor();
      await cards(page).nth(1).waitFor();
      const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const [red] = ground.match(/\d+/g).map(Number);
      assert.equal(red > 128, colorScheme === 'light');
      assert.deepEqual(await page.evaluate(poorContrasts), []);
    });
  }

  test('fits a small screen and has landmarks, labels and one heading above the others', async (t) => {
    const { page, send } = await visit(t, { viewport: { width: 320, height: 640 } });
    await send('79001234567', 'SignIn', '482913');
    await cards(page).first().waitFor();
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - window.innerWidth,
    );
    assert.ok(overflow <= 0, `${overflow} px too wide`);
    for (const role of ['banner', 'main', 'complementary', 'search']) {
      assert.equal(await page.getByRole(role).count(), 1, role);
    }
    assert.equal(await page.getByRole('heading', { level: 1 }).count(), 1);
    const nameless = await page.evaluate(
      () =>
        [...document.querySelectorAll('button, input')].filter(
          (one) => !one.textContent && !one.ariaLabel && !one.labels?.length,
        ).length,
    );
    assert.equal(nameless, 0);
  });

  test('has a picture for the README', {
    skip: process.env.UPDATE_SCREENSHOT !== '1',
  }, async (t) => {
    const { page, send, api } = await visit(t, {
      reducedMotion: 'reduce',
      viewport: { width: 1100, height: 740 },
    });
    await send('491701234567', 'MfaVerification', '550291');
    await api('/api/fail-next', { method: 'POST', body: '"noMoney"' });
    await assert.rejects(send('79261112233', 'ForgotPassword', '118820'));
    await send('79261112233', 'SignIn', '306112', { locale: 'ru' });
    await send('375291234567', 'Register', '482913');
    await api('/api/fail-next', { method: 'POST', body: '"rateLimited"' });
    await cards(page).nth(3).waitFor();
    const file = fileURLToPath(new URL('../docs/inbox.png', import.meta.url));
    writeFileSync(file, await page.screenshot());
    assert.ok(statSync(file).size < 150_000, `${statSync(file).size} bytes`);
  });
});

// Runs in the page: every visible text against the nearest background, by WCAG's formula.
function poorContrasts() {
  const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [red, green, blue] = channels(colour)
      .slice(0, 3)
      .map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const isClear = (colour) => (channels(colour)[3] ?? 1) === 0;
  const groundOf = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const { backgroundColor } = getComputedStyle(one);
      if (!isClear(backgroundColor)) return backgroundColor;
    }
    return 'rgb(255, 255, 255)';
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const poor = [];
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    if (element.matches('script, style')) continue;
    const levels = [getComputedStyle(element).color, groundOf(element)].map(luminance).sort();
    const ratio = (Math.max(...levels) + 0.05) / (Math.min(...levels) + 0.05);
    if (ratio < 4.5) poor.push(`${walker.currentNode.data.trim()}: ${ratio.toFixed(2)}`);
  }
  return poor;
}
