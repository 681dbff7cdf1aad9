// A gateway that writes exactly the bytes it is given, for the replies that the embedded gateway does not make.

import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';

import { accepted } from './setup.mjs';

const LONGEST_MS = 20_000;

/** Resolves once a condition holds, which it does sooner or later. */
export async function until(holds) {
  const started = Date.now();
  while (!holds()) {
    if (Date.now() - started > LONGEST_MS) throw new Error(`in vain: ${holds}`);
    await sleep(5);
  }
}

/** The head of a reply, as its lines. */
export const head = (status, ...headers) => `HTTP/1.1 ${[`${status} X`, ...headers].join('\r\n')}\r\n\r\n`;

/** A whole reply. */
export function reply(status, body, ...headers) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return head(status, `content-length: ${Buffer.byteLength(text)}`, ...headers) + text;
}

/** An acceptance. */
export const acceptance = (...headers) => reply(200, accepted(), ...headers);

/** A refusal in SMS Aero's envelope. */
export const refusal = (status, message = 'no') => reply(status, { success: false, data: null, message });

/** A list of messages, with the `Date` that its rows are compared with, or with whatever headers are given. */
export function listOf(rows, ...headers) {
  const body = { success: true, data: { ...rows, links: {}, totalCount: `${rows.length}` }, message: null };
  return reply(200, body, ...(headers.length > 0 ? headers : [`date: ${new Date().toUTCString()}`]));
}

/**
 * Starts a gateway. `send`, `list` and `ask` answer messages, questions for the list and other questions: with bytes, or
 * by what they do to the socket; without them messages are accepted and questions refused. Over TLS `socket.raw` is the
 * TCP connection.
 */
export async function startScripted(
  t,
  { send = () => acceptance(), list = () => refusal(404), ask = list, secure, host = '127.0.0.1' } = {},
) {
  const [sockets, open] = [new Set(), new Set()];
  const requests = [];
  const gateway = { requests, opened: 0, mostOpen: 0 };

  const answer = async (socket, path, body) => {
    const [, kind = 'ask'] = /sms\/(?:test)?(send|list)$/.exec(path) ?? [];
    const request = { kind, path, body };
    requests.push(request);
    const bytes = await { send, list, ask }[kind](socket, request);
    if (typeof bytes === 'string') socket.write(bytes);
  };
  const server = net.createServer({ noDelay: true }, (raw) => {
    gateway.opened += 1;
    sockets.add(raw);
    open.add(raw);
    // Not before the ends that have arrived as well.
    setImmediate(() => {
      gateway.mostOpen = Math.max(gateway.mostOpen, open.size);
    });
    raw.once('end', () => open.delete(raw)).on('error', () => {});
    raw.once('close', () => {
      open.delete(raw);
      sockets.delete(raw);
    });
    const socket = secure ? new tls.TLSSocket(raw, { isServer: true, ...secure }) : raw;
    socket.raw = raw;
    let received = '';
    socket.setEncoding('latin1').on('error', () => {});
    socket.on('data', (text) => {
      received += text;
      for (;;) {
        const start = received.indexOf('\r\n\r\n') + 4;
        const end = start + Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0);
        if (start < 4 || received.length < end) return;
        answer(socket, received.split(' ')[1], received.slice(start, end));
        received = received.slice(end);
      }
    });
  });
  server.listen({ host, port: 0, backlog: 4096 });
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address();
  return Object.assign(gateway, {
    port,
    url: `${secure ? 'https' : 'http'}://${host}:${port}`,
    /** How many requests of a kind came: `send`, `list` or `ask`. */
    count: (kind) => requests.filter((request) => request.kind === kind).length,
    /** Closes the connections that are open, in an orderly way. */
    endConnections: () => {
      for (const socket of sockets) socket.end();
    },
  });
}
