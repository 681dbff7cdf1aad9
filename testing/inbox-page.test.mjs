import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { chromium as findChromium, prepare } from '../examples/prepare.js';
import { openInbox as open } from '../__test__/support/inbox.mjs';
import { sendText } from '../__test__/support/package.mjs';

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
    assert.match(await card.textContent(), /\+7 900 123 4567/);
    assert.match(await card.textContent(), /SignIn/);
    assert.match(await card.textContent(), /from Acme/);
    assert.match(await card.textContent(), /1 part/);
    assert.match(await card.textContent(), /GSM/);
    assert.equal(await page.getByText('No message yet').isVisible(), false);
    await page
      .locator('#announcer', { hasText: 'code 4 8 2 9 1 3' })
      .waitFor({ state: 'attached' });
  });

  test('announces a message once, and keeps the focus when all are cleared', async (t) => {
    const { page, send } = await visit(t);
    await page.evaluate(() => {
      window.announced = [];
      for (const live of document.querySelectorAll('[aria-live], [role=status]')) {
        new MutationObserver(() => {
          if (live.textContent.trim()) window.announced.push(live.textContent);
        }).observe(live, { childList: true, characterData: true, subtree: true });
      }
    });
    await send('79001234567', 'SignIn', '482913');
    await page.locator('#announcer', { hasText: 'code 4 8 2 9 1 3' }).waitFor({ state: 'attached' });
    assert.deepEqual(await page.evaluate(() => window.announced), ['Message to 79001234567, code 4 8 2 9 1 3']);
    await page.getByRole('button', { name: 'Clear all' }).click();
    await page.getByText('No message yet').waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), 'undo');
  });

  test('what was cleared can be put back, before what has come since', async (t) => {
    const { page, send } = await visit(t);
    const refusal = page.locator('.badge', { hasText: 'refused: not enough money (402)' });
    await send('79001234567', 'SignIn', '482913');
    await page.getByRole('button', { name: 'No money' }).click();
    await page.getByText('Next: No money').waitFor();
    await send('79001234567', 'SignIn', '600600').catch(() => {});
    await refusal.waitFor();
    await page.getByRole('button', { name: 'Clear all' }).click();
    await page.getByText('All messages are cleared.').waitFor();
    await send('79001234567', 'Register', '111222');
    await page.locator('[data-code="111222"]').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.locator('[data-code="482913"]').waitFor();
    await refusal.waitFor();
    const codes = await cards(page).evaluateAll((all) => all.map(({ dataset }) => dataset.code));
    assert.deepEqual(codes, ['111222', '', '482913']);
    await page.getByText('All messages are cleared.').waitFor({ state: 'hidden' });
    assert.equal(await page.evaluate(() => document.activeElement.id), 'clear');
    assert.match(await page.locator('#announcer').textContent(), /^Put back: 2 messages, 1 failure$/);
  });

  test('makes a message of many parts stand out, and sets text in its own direction', async (t) => {
    const { page, inbox, send } = await visit(t);
    await send('79001234567', 'SignIn', '482913');
    const config = { email: 'a@b.co', apiKey: 'key' };
    const text = `\u05e9\u05dc\u05d5\u05dd ${'x'.repeat(200)}`;
    await sendText({ to: '4915112345678', text }, config, { gateways: inbox.url });
    const [long, short] = [cards(page).nth(0), cards(page).nth(1)];
    await short.waitFor();
    assert.equal(await long.locator('.many').textContent(), '4 parts');
    assert.equal(await short.locator('.many').count(), 0);
    assert.match(await long.textContent(), /\+49 151 123 456 78/);
    const direction = (card) => card.locator('.text').evaluate((one) => getComputedStyle(one).direction);
    assert.deepEqual([await direction(long), await direction(short)], ['rtl', 'ltr']);
  });

  test('has keys that can be switched off, and stay so', async (t) => {
    const { page, send } = await visit(t);
    await send('79001234567', 'SignIn', '482913');
    await cards(page).first().waitFor();
    await page.getByLabel('These keys work').uncheck();
    const focused = () => page.evaluate(() => document.activeElement.dataset.code);
    await page.keyboard.press('j');
    assert.equal(await focused(), undefined);
    await page.reload();
    await cards(page).first().waitFor();
    await page.keyboard.press('j');
    assert.equal(await focused(), undefined);
    await page.getByLabel('These keys work').check();
    await page.keyboard.press('j');
    assert.equal(await focused(), '482913');
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
    await page.keyboard.type('sign up 4917');
    await page.locator('#count', { hasText: '1 found in 2 messages' }).waitFor();
    assert.equal(await cards(page).count(), 1);
    await page.getByLabel('Search messages').fill('nobody');
    await page.getByRole('heading', { name: 'Nothing found' }).waitFor();
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
    await page.getByRole('link', { name: 'Refuse the next' }).click();
    const top = await page.locator('#refuse-title').evaluate((one) => one.getBoundingClientRect().top);
    assert.ok(top >= 0 && top < 640, `${top}`);
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
