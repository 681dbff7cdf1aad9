// Shared connections, and replies whose frame is broken.

import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { outcomeOf } from '../support/caught.mjs';
import { answerOf, fixture, temporaryFile } from '../support/child.mjs';
import { getBalance, getStatus, sendText } from '../support/package.mjs';
import { acceptance, head, refusal, reply, startScripted, until } from '../support/scripted.mjs';
import { accepted, NUMBER } from '../support/setup.mjs';
import { certificate } from '../support/testing.mjs';
import { startBlackhole } from './environment.mjs';

const ACCOUNT = { email: 'owner@example.com', apiKey: 'key-of-the-account', senderName: 'Shop' };
const ID = 17;
// All kinds of requests together.
const CONNECTIONS = 192;
// Half of the default: an outcome that is known sooner did not wait for the deadline.
const EARLY_MS = 4000;

const many = (length, make) => Array.from({ length }, (_, index) => make(index));
const keepSilent = () => {};
const BALANCE = reply(200, { success: true, data: { balance: 1 }, message: null });
let last = 0;
const send = (gateways, options) => {
  last += 1;
  const message = { to: NUMBER, text: `Parcel ${last} is here.` };
  return outcomeOf(sendText(message, ACCOUNT, { gateways: [gateways].flat().map(({ url }) => url), ...options }));
};
const settled = async (promises) => new Set(await Promise.all(promises));

describe('the connections of a host', () => {
  test('are 192 at most, however long connecting may take', async (t) => {
    let sent = 0;
    const gateway = await startScripted(t, {
      send: async (socket) => {
        sent += 1;
        // Some replies are lost, so that the list is asked as well.
        if (sent % 50 === 0) return socket.destroy();
        await sleep(50);
        // As Node's own server announces it.
        return acceptance('keep-alive: timeout=5');
      },
      ask: () => BALANCE,
    });
    const limits = [1000, 300, 2500, 6000, 9500];
    const burst = async (length, limitOf) => {
      const options = many(length, (index) => ({ connectTimeoutMs: limitOf(index) }));
      const sends = options.map((option) => send(gateway, option));
      const questions = options
        .slice(0, 100)
        .map((option) => getBalance(ACCOUNT, { gateways: gateway.url, ...option }));
      assert.deepEqual(await settled(questions), new Set([1]));
      assert.deepEqual(await settled(sends), new Set([ID, 'unknown_outcome']));
    };
    await burst(1000, (index) => limits[index % limits.length]);
    for (const limit of limits) await burst(200, () => limit);
    assert.equal(gateway.count('send'), 2000, 'each is sent once');
    assert.ok(gateway.mostOpen <= CONNECTIONS, `${gateway.mostOpen} connections`);
  });

  const HANGING_MS = 3000;
  const beside = (name, start, pass) =>
    test(name, async (t) => {
      let done = 0;
      const [hanging, passing] = await start(t);
      const hung = hanging().map((call) => call.catch(() => {}).finally(() => (done += 1)));
      // Until they have all the connections that they get.
      await sleep(500);
      assert.equal(await passing(), pass);
      assert.equal(done, 0, 'it did not wait for one of them');
      await Promise.all(hung);
    });
  const askStatus = (gateway, index) => getStatus(index + 1, ACCOUNT, { gateways: gateway.url, timeoutMs: HANGING_MS });

  beside(
    'three hundred messages at a silent gateway do not hold up one at another gateway',
    async (t) => {
      const [silent, good] = [await startScripted(t, { send: keepSilent }), await startScripted(t)];
      return [() => many(300, () => send(silent, { timeoutMs: HANGING_MS })), () => send(good)];
    },
    ID,
  );

  beside(
    'three hundred messages at a gateway that cannot be connected to do not hold up one at another gateway',
    async (t) => {
      const { port, stop } = await startBlackhole();
      t.after(stop);
      const good = await startScripted(t);
      const options = { timeoutMs: HANGING_MS, connectTimeoutMs: HANGING_MS };
      return [() => many(300, () => send({ url: `http://127.0.0.1:${port}` }, options)), () => send(good)];
    },
    ID,
  );

  beside(
    'two hundred and fifty questions without an answer do not hold up a message',
    async (t) => {
      const gateway = await startScripted(t, { ask: keepSilent });
      return [() => many(250, (index) => askStatus(gateway, index)), () => send(gateway)];
    },
    ID,
  );

  beside(
    'three hundred messages without a reply do not hold up a question',
    async (t) => {
      const gateway = await startScripted(t, { send: keepSilent, list: keepSilent, ask: () => BALANCE });
      const hanging = () => many(300, () => send(gateway, { timeoutMs: HANGING_MS }));
      return [hanging, () => getBalance(ACCOUNT, { gateways: gateway.url })];
    },
    1,
  );

  test('are waited for until the deadline at the last gateway', async (t) => {
    const later = async () => {
      await sleep(1000);
      return acceptance();
    };
    const gateway = await startScripted(t, { send: later });
    const sends = many(300, () => send(gateway, { connectTimeoutMs: 300 }));
    assert.deepEqual(await settled(sends), new Set([ID]));
  });

  test('are not waited for longer than connecting may take where there is another gateway, and blame nobody', async (t) => {
    let done = 0;
    const isEnough = () => done >= 50;
    const full = await startScripted(t, {
      send: async () => {
        // So long that the others look elsewhere.
        await Promise.race([until(isEnough), sleep(EARLY_MS, null, { ref: false })]);
        return acceptance();
      },
    });
    const other = await startScripted(t);
    const sends = many(300, () => send([full, other], { connectTimeoutMs: 500 }).finally(() => (done += 1)));
    assert.deepEqual(await settled(sends), new Set([ID]));
    const [first, second] = [full.count('send'), other.count('send')];
    assert.equal(first + second, sends.length, 'each is sent once');
    assert.ok(first >= 50 && second >= 50, `${first} and ${second}`);
    assert.equal(await send([full, other]), ID);
    assert.equal(full.count('send'), first + 1, 'the first gateway is still the first');
  });
});

describe('a kept connection', { concurrency: true }, () => {
  const DELAY_MS = 30;

  /** A way to a port of this machine on which bytes, and the end of a connection, take their time. */
  async function startDistance(t, port) {
    const sockets = new Set();
    const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
      const far = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
      for (const [from, to] of [
        [near, far],
        [far, near],
      ]) {
        sockets.add(from);
        from.on('data', (bytes) => setTimeout(() => to.write(bytes), DELAY_MS));
        from.on('end', () => setTimeout(() => to.end(), DELAY_MS));
        from.on('error', () => to.destroy());
      }
    });
    await new Promise((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
    t.after(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return { url: `http://127.0.0.1:${server.address().port}` };
  }

  for (const hint of ['timeout=1', 'timeout=1, max=100', 'max=100, timeout=1', 'Timeout=1']) {
    test(`is not used at the end of the second that its gateway announced: ${hint}`, async (t) => {
      // At every moment around it, each at a gateway of its own.
      const rounds = many(12, async (index) => {
        const timers = new Map();
        const gateway = await startScripted(t, {
          send: (socket) => {
            clearTimeout(timers.get(socket));
            timers.set(
              socket,
              setTimeout(() => socket.destroy(), 1000),
            );
            return acceptance(`keep-alive: ${hint}`, 'connection: keep-alive');
          },
        });
        const far = await startDistance(t, gateway.port);
        const outcomes = [await send(far, { timeoutMs: 3000 })];
        await sleep(1000 - 2 * DELAY_MS + 5 * index);
        outcomes.push(await send(far, { timeoutMs: 3000 }));
        return outcomes;
      });
      assert.deepEqual(
        await Promise.all(rounds),
        many(12, () => [ID, ID]),
      );
    });
  }

  test('is used again within a longer time that its gateway announced', async (t) => {
    const gateway = await startScripted(t, { send: () => acceptance('keep-alive: timeout=30') });
    for (let round = 0; round < 6; round += 1) assert.equal(await send(gateway), ID);
    assert.ok(gateway.opened <= 2, `${gateway.opened} connections`);
  });

  for (const hint of [
    'timeout=0',
    'timeout=-1',
    'timeout=',
    'timeout=x',
    'timeout=99999999999999999999',
    'max=5',
    '',
  ]) {
    test(`does no harm whatever its gateway announced: ${hint}`, async (t) => {
      const gateway = await startScripted(t, { send: () => acceptance(`keep-alive: ${hint}`) });
      for (let round = 0; round < 3; round += 1) assert.equal(await send(gateway), ID);
    });
  }
});

const BODY = JSON.stringify(accepted());
const length = (bytes) => `content-length: ${bytes}`;
const chunk = (text) => `${text.length.toString(16)}\r\n${text}\r\n`;
const CHUNKED = 'transfer-encoding: chunked';
const FRAMES = {
  'a length that is too long': (body) => head(200, length(body.length + 2)) + body,
  'a length that is far too long': (body) => head(200, length(60_000)) + body,
  'no last chunk': (body) => head(200, CHUNKED) + chunk(body),
  'chunks of a byte and no last one': (body) => head(200, CHUNKED) + [...body].map(chunk).join(''),
  'a chunk that is longer than what comes': (body) => `${head(200, CHUNKED)}fff\r\n${body}`,
};

describe('an acceptance', { concurrency: true }, () => {
  const play = async (t, write, options) => {
    let asked = 0;
    const list = () => {
      asked += 1;
      return refusal(404);
    };
    const gateway = await startScripted(t, { send: write, list });
    const started = Date.now();
    const outcome = await send(gateway, options);
    assert.ok(Date.now() - started < EARLY_MS, `${outcome} after ${Date.now() - started} ms`);
    return { outcome, asked };
  };

  for (const [name, frame] of Object.entries(FRAMES)) {
    for (const [end, isOpen] of [
      ['and nothing more', true],
      ['and an end', false],
    ]) {
      test(`counts in a frame with ${name} ${end}`, async (t) => {
        const { outcome, asked } = await play(t, (socket) => {
          socket.write(frame(BODY));
          if (!isOpen) socket.end();
        });
        assert.deepEqual([outcome, asked], [ID, 0]);
      });

      test(`does not count where it breaks off in a frame with ${name} ${end}`, async (t) => {
        const breakOff = (socket) => {
          socket.write(frame(BODY.slice(0, -1)));
          if (!isOpen) socket.end();
        };
        // What is open may go on, so it is waited for.
        const { outcome, asked } = await play(t, breakOff, { timeoutMs: 2500 });
        assert.ok(['unknown_outcome', 'bad_response'].includes(outcome), outcome);
        assert.equal(asked, 1, 'the list is asked');
      });
    }
  }

  test('counts before a chunk that is none', async (t) => {
    const { outcome } = await play(t, () => `${head(200, CHUNKED) + chunk(BODY)}what?\r\n`);
    assert.equal(outcome, ID);
  });

  test('counts under a hundred and fifty headers', async (t) => {
    const { outcome } = await play(t, () => acceptance(...many(150, (index) => `x-${index}: a`)));
    assert.equal(outcome, ID);
  });

  test('counts in pieces that are more than a second apart', async (t) => {
    const { outcome } = await play(t, async (socket) => {
      socket.write(head(200, length(BODY.length)) + BODY.slice(0, 20));
      await sleep(1200);
      socket.write(BODY.slice(20));
    });
    assert.equal(outcome, ID);
  });

  test('counts though space comes in drops behind it', async (t) => {
    const { outcome } = await play(t, async (socket) => {
      socket.write(head(200, length(60_000)) + BODY);
      for (let drops = 0; drops < 8 && !socket.destroyed; drops += 1) {
        await sleep(500);
        socket.write(' ');
      }
    });
    assert.equal(outcome, ID);
  });

  test('counts in pieces, none of which is a second late', async (t) => {
    const { outcome } = await play(t, async (socket) => {
      socket.write(head(200, length(BODY.length + 1)));
      for (let index = 0; index < BODY.length; index += 15) {
        socket.write(BODY.slice(index, index + 15));
        await sleep(300);
      }
    });
    assert.equal(outcome, ID);
  });

  for (const [name, body] of [
    ['a refusal', '{"success":false,"data":null,"message":"no"}'],
    ['the acceptance of nothing', '{"success":true,"data":null,"message":null}'],
    ['HTML', '<html>{"success":true,"data":{"id":17}}</html>'],
    ['a whole object behind which another one begins', `${BODY}{`],
  ]) {
    test(`is not ${name} in a broken frame`, async (t) => {
      const { outcome } = await play(t, () => head(200, length(60_000)) + body, { timeoutMs: 2500 });
      assert.notEqual(outcome, ID);
    });
  }

  const { ca, ...secure } = certificate({ names: ['127.0.0.1'] });
  const env = { NODE_EXTRA_CA_CERTS: temporaryFile('ca.pem', ca) };
  for (const [name, body, isAccepted] of [
    ['counts', BODY, true],
    ['does not count where it breaks off', BODY.slice(0, -1), false],
  ]) {
    for (const [frame, begin] of [
      ['to the end of the connection', `${head(200, 'connection: close')}`],
      ['of a length', head(200, length(BODY.length))],
    ]) {
      test(`${name}, ${frame}, without TLS's close_notify`, async (t) => {
        const write = (socket) => void socket.write(begin + body, () => socket.raw.end());
        const gateway = await startScripted(t, { send: write, secure });
        const { id } = await answerOf(fixture('send-once'), { input: { gateways: gateway.url }, env });
        assert.equal(id, isAccepted ? ID : undefined);
        assert.equal(gateway.count('list'), isAccepted ? 0 : 1);
      });
    }
  }
});

describe('a refusal', { concurrency: true }, () => {
  const REASONS = {
    400: 'validation',
    401: 'unauthorized',
    402: 'no_money',
    404: 'ip_not_allowed',
    429: 'rate_limited',
    503: 'unavailable',
  };
  const BODIES = {
    'is promised and does not come': () => {},
    stops: (socket) => socket.write('{"success":false,"data":null,"message":"Not'),
    drips: (socket) => {
      const drip = setInterval(() => socket.write(' '), 100);
      socket.once('close', () => clearInterval(drip));
    },
    'drips in chunks': (socket) => {
      const drip = setInterval(() => socket.write(chunk(' ')), 100);
      socket.once('close', () => clearInterval(drip));
    },
  };
  for (const [status, reason] of Object.entries(REASONS)) {
    for (const [name, play] of Object.entries(BODIES)) {
      test(`with HTTP ${status} whose body ${name} stands by its status`, async (t) => {
        const frame = name.endsWith('chunks') ? CHUNKED : length(4000);
        const gateway = await startScripted(t, {
          send: (socket) => {
            socket.write(head(status, frame));
            play(socket);
          },
        });
        const started = Date.now();
        assert.equal(await send(gateway), reason);
        assert.ok(Date.now() - started < EARLY_MS, `after ${Date.now() - started} ms`);
      });
    }
  }
});
