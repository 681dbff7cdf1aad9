import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { fixture, start, temporaryFile } from '../support/child.mjs';
import { openGateway } from '../support/setup.mjs';
import { certificate, faults } from '../support/testing.mjs';
import { startChaos } from './chaos.mjs';
import { DEEDS, indexOfHeader, indexOfNumber, planOf, randomness } from './plan.mjs';

// Should nobody end the process of a black hole.
const LONGEST_MS = 300_000;
const DAY_MS = 86_400_000;
const LOCAL = { names: ['127.0.0.1', 'localhost'] };

/** The same with TLS, and the file of the authority that a client has to trust. */
export async function secureGateway(options = LOCAL, secureContext = {}) {
  const { ca, ...own } = certificate(options);
  const gateway = await openGateway({ tls: { ...own, ...secureContext } });
  return { gateway, ca, caFile: temporaryFile('ca.pem', ca) };
}

/** A port of this machine on which nothing listens. */
export async function refusedPort() {
  const server = net.createServer().listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** A port whose queue of connections is full, so that a SYN gets no answer. */
export async function startBlackhole() {
  const { child } = start(fixture('blackhole'), { ipc: true, timeoutMs: LONGEST_MS });
  const [port] = await once(child, 'message');
  const fillers = Array.from({ length: 4 }, () => net.connect({ host: '127.0.0.1', port }));
  for (const filler of fillers) filler.on('error', () => {});
  await once(fillers[0], 'connect');
  // Those that do not fit in the queue any more never get to connect.
  await sleep(50);
  return {
    port,
    stop: async () => {
      for (const filler of fillers) filler.destroy();
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** All gateways of one batch: those that work, and each way not to. */
export async function startEnvironment(seed, batch) {
  const trusted = certificate(LOCAL);
  const secure = (given) => openGateway({ tls: { key: given.key, cert: given.cert } });
  // Signed by authorities of their own, of which the children trust the first two.
  const expired = certificate({
    ...LOCAL,
    notBefore: new Date(Date.now() - 2 * DAY_MS),
    notAfter: new Date(Date.now() - DAY_MS),
  });
  const wrongName = certificate({ names: ['gate.example'] });
  const unknownAuthority = certificate(LOCAL);
  const caFile = temporaryFile('ca.pem', trusted.ca + expired.ca + wrongName.ca);

  const gateways = {
    secure: await secure(trusted),
    secureToo: await secure(trusted),
    plain: await openGateway(),
    resetDuring: await secure(trusted),
    tlsHang: await secure(trusted),
    tlsReset: await secure(trusted),
    expired: await secure(expired),
    wrongName: await secure(wrongName),
    unknownAuthority: await secure(unknownAuthority),
    plainHold: await openGateway(),
    plainReset: await openGateway(),
    behindChaos: await secure(trusted),
    behindPlainChaos: await openGateway(),
  };
  const { tlsHang, plainHold, tlsReset, plainReset, resetDuring } = gateways;
  for (const gateway of [tlsHang, plainHold]) gateway.onConnection('hold');
  for (const gateway of [tlsReset, plainReset]) gateway.onConnection('reset');
  const answering = ['secure', 'secureToo', 'plain', 'behindChaos', 'behindPlainChaos'];
  for (const name of answering) {
    gateways[name].respondWith(({ number }) => DEEDS[planOf(seed, indexOfNumber(number)).deed][0]);
  }
  resetDuring.respondWith(faults.reset({ when: 'during' }));

  const random = randomness(seed + batch);
  const chaos = await startChaos(gateways.behindChaos.port, random);
  const plainChaos = await startChaos(gateways.behindPlainChaos.port, random);
  const blackhole = await startBlackhole();
  const refused = await refusedPort();

  const bases = {
    refused: `https://127.0.0.1:${refused}`,
    plainRefused: `http://127.0.0.1:${refused}`,
    blackhole: `https://127.0.0.1:${blackhole.port}`,
    chaos: `https://127.0.0.1:${chaos.port}`,
    plainChaos: `http://127.0.0.1:${plainChaos.port}`,
  };
  for (const [name, { url }] of Object.entries(gateways)) bases[name] ??= url;

  return {
    gateways,
    bases,
    caFile,
    seen: () => seenOf(Object.values(gateways)),
    /** The gateways that keep no connection, and to which one is open all the same. */
    held: () => {
      // Not `plainHold`: a connection that came too late for its message is kept, and looks like any other.
      const names = ['tlsHang', 'expired', 'wrongName'];
      return names.filter((name) => gateways[name].connections.open > 0);
    },
    stop: onlyOnce(async () => {
      await Promise.all([chaos.stop(), plainChaos.stop(), blackhole.stop()]);
      await Promise.all(Object.values(gateways).map((gateway) => gateway.stop()));
    }),
  };
}

function onlyOnce(work) {
  let working;
  return () => {
    working ??= work();
    return working;
  };
}

/** What the gateways saw of each send. */
function seenOf(gateways) {
  const seen = new Map();
  const of = (index) => {
    if (!seen.has(index)) {
      seen.set(index, { arrivals: 0, accepted: [], answered: false, doomed: false });
    }
    return seen.get(index);
  };
  for (const { requests, messages, url } of gateways) {
    const closing = new Set();
    for (const { path, headers, answered, connection, fault } of requests) {
      const index = indexOfHeader(headers.authorization);
      // A probe has no credentials, and who asks for the list sends nothing.
      if (index === undefined || path.endsWith('list')) continue;
      const entry = of(index);
      entry.arrivals += 1;
      entry.answered ||= answered;
      // It came over a connection that an earlier reply had the gateway close.
      entry.doomed ||= closing.has(connection);
      if (fault === 'closeIdle') closing.add(connection);
    }
    for (const { number, id } of messages) of(indexOfNumber(number)).accepted.push({ id, url });
  }
  return seen;
}
