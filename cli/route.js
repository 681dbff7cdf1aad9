import { lookup } from 'node:dns/promises';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { performance } from 'node:perf_hooks';
import tls from 'node:tls';

import { goesThrough } from './proxy.js';

/** How long the connector gives one gateway to connect. */
export const CONNECT_MS = 2500;

/** What stood in the way, and at which step. */
export class Obstacle extends Error {
  constructor(step, message) {
    super(message);
    this.step = step;
  }
}

/**
 * Connects to a gateway, step by step: the socket, and how long each step took. Where it does not
 * succeed, the Obstacle has the steps that did in `steps`.
 */
export const connect = async (gateway, proxy) => {
  const url = new URL(gateway);
  const steps = { dnsMs: null, tcpMs: null, tlsMs: null, totalMs: null, tls: null };
  const signal = AbortSignal.timeout(CONNECT_MS);
  const through = goesThrough(proxy, url) ? proxy : null;
  const started = performance.now();
  try {
    const raw = through
      ? await tunnel(url, through, signal, steps)
      : await direct(url, signal, steps);
    const socket = url.protocol === 'https:' ? await secure(raw, url, signal, steps) : raw;
    steps.totalMs = since(started);
    return { socket, steps };
  } catch (error) {
    throw Object.assign(error, { steps });
  }
};

const direct = async (url, signal, steps) => {
  const host = bare(url.hostname);
  const addresses = await resolve(host, signal, steps);
  const started = performance.now();
  const socket = net.connect({
    host,
    port: portOf(url),
    noDelay: true,
    lookup: (name, { all }, done) =>
      all ? done(null, addresses) : done(null, addresses[0].address, addresses[0].family),
  });
  await ready(socket, 'connect', signal, (error) => new Obstacle('tcp', inTcp(error, url.host)));
  steps.tcpMs = since(started);
  return socket;
};

const resolve = async (host, signal, steps) => {
  if (net.isIP(host)) return [{ address: host, family: net.isIP(host) }];
  const started = performance.now();
  try {
    const addresses = await raced(lookup(host, { all: true }), signal);
    steps.dnsMs = since(started);
    return addresses;
  } catch ({ code }) {
    throw new Obstacle(
      'dns',
      code === undefined
        ? `DNS gave no address for ${host} within ${CONNECT_MS} ms. Check this machine's DNS servers.`
        : `DNS knows no address for ${host} (${code}). Check this machine's DNS servers and its network.`,
    );
  }
};

const tunnel = async (url, { url: proxy, shown }, signal, steps) => {
  const started = performance.now();
  const target = `${url.hostname}:${portOf(url)}`;
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const request = (proxy.protocol === 'https:' ? https : http).request({
    host: bare(proxy.hostname),
    port: proxy.port || undefined,
    method: 'CONNECT',
    path: target,
    agent: false,
    signal,
    headers: {
      host: target,
      ...(credentials !== ':' && {
        'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}`,
      }),
    },
  });
  const socket = await new Promise((resolve, reject) => {
    request.once('connect', ({ statusCode }, opened) => {
      if (statusCode >= 200 && statusCode < 300) return resolve(opened);
      opened.destroy();
      reject(new Obstacle('proxy', inProxy(statusCode, shown, url.host)));
    });
    // A proxy that answers CONNECT as any other request has refused it.
    request.once('response', (response) => {
      response.destroy();
      reject(new Obstacle('proxy', inProxy(response.statusCode, shown, url.host)));
    });
    request.once('error', (error) =>
      reject(new Obstacle('proxy', inTcp(error, `the proxy ${shown}`))),
    );
    request.end();
  });
  steps.tcpMs = since(started);
  return socket;
};

const inProxy = (status, shown, host) =>
  status === 407
    ? `The proxy ${shown} asks for credentials (HTTP 407). Put them into HTTPS_PROXY: http://user:password@${shown}`
    : `The proxy ${shown} did not connect to ${host} (HTTP ${status}). Allow that host in the proxy, or list it in NO_PROXY.`;

const secure = async (raw, url, signal, steps) => {
  const started = performance.now();
  const host = bare(url.hostname);
  const socket = tls.connect({
    socket: raw,
    host,
    servername: net.isIP(host) ? '' : host,
    ALPNProtocols: ['http/1.1'],
  });
  await ready(
    socket,
    'secureConnect',
    signal,
    (error) => new Obstacle('tls', inTls(error, url.host)),
  );
  steps.tlsMs = since(started);
  steps.tls = socket.getProtocol();
  return socket;
};

const inTcp = (error, host) => {
  const code = error?.code;
  if (error?.name === 'AbortError' || error?.name === 'TimeoutError' || code === 'ABORT_ERR') {
    return `No connection to ${host} within ${CONNECT_MS} ms. A firewall may drop the packets: allow outgoing HTTPS.`;
  }
  if (code === 'ECONNREFUSED')
    return `${host} refuses the connection (${code}). Check the address and the port.`;
  return `No connection to ${host} (${code ?? 'no reason given'}). Check this machine's network and firewall.`;
};

const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

const inTls = (error, host) => {
  const code = error?.code;
  if (error?.name === 'AbortError' || error?.name === 'TimeoutError') {
    return `${host} accepts the connection, but its TLS handshake does not complete within ${CONNECT_MS} ms, as some networks abroad see it. The connector goes on to the next gateway.`;
  }
  if (UNTRUSTED.has(code)) {
    return `The certificate of ${host} is not signed by an authority that Node trusts (${code}). Where a proxy inspects TLS, name its certificate in NODE_EXTRA_CA_CERTS, or start Node with --use-system-ca.`;
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return `The certificate of ${host} is not valid today (${code}). Check this machine's clock first.`;
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `The certificate of ${host} is for another name (${code}). Something else answers in its place: check DNS, the proxy and SMSAERO_GATEWAYS.`;
  }
  return `The TLS handshake with ${host} failed (${code ?? 'no reason given'}). Check what stands in between: a proxy, a firewall, or a server that speaks no TLS.`;
};

// The socket's event, unless an error or the deadline comes first; then the socket is gone.
const ready = (socket, event, signal, obstacle) =>
  new Promise((resolve, reject) => {
    const finish = (settle) => (value) => {
      signal.removeEventListener('abort', late);
      socket.removeAllListeners('error').on('error', () => {});
      settle(value);
    };
    const fail = finish((error) => {
      socket.destroy();
      reject(obstacle(error));
    });
    const late = () => fail(signal.reason);
    socket.once(event, finish(resolve));
    socket.once('error', fail);
    socket.once('close', () => fail({ code: 'closed by the other side' }));
    signal.addEventListener('abort', late);
    if (signal.aborted) late();
  });

const raced = (promise, signal) =>
  new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    promise.then(resolve, reject);
  });

const bare = (hostname) => hostname.replace(/^\[|\]$/g, '');
const portOf = ({ port, protocol }) => Number(port) || (protocol === 'https:' ? 443 : 80);
const since = (started) => Math.round((performance.now() - started) * 10) / 10;
