import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { connect } from 'node:net';
import { describe, test } from 'node:test';

import { openInbox as open } from '../__test__/support/inbox.mjs';
import { inPackage } from '../__test__/support/package.mjs';

const { forcedBy } = await import(inPackage('testing', 'segments.js'));
const { usageFinder } = await import(inPackage('testing', 'match-template.js'));

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

  test('forgets everything when asked to', async (t) => {
    const { send, api } = await open(t);
    await send('79001234567', 'SignIn', '111111');
    await api('/api/messages', { method: 'DELETE' });
    assert.deepEqual((await api('/api/messages')).body, []);
    assert.deepEqual((await api('/api/messages/restore', { method: 'POST' })).status, 200);
    assert.ok((await api('/api/messages')).body.length > 0);
    const { status, body } = await api('/api/messages/restore', { method: 'POST' });
    assert.deepEqual([status, body.error], [409, 'Nothing was cleared that could be put back.']);
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
