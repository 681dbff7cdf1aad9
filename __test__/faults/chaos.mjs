// A relay to a gateway that cuts, resets or holds up connections at any byte, in either direction.

import net from 'node:net';

const ENDS = ['reset', 'close', 'stall'];

/** Starts a relay to a port of this machine. What happens to a connection is up to `random`. */
export async function startChaos(target, random) {
  const sockets = new Set();
  const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const upstream = net.connect({ host: '127.0.0.1', port: target, noDelay: true });
    const fate = fateOf(random);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => {
        sockets.delete(socket);
        (socket === client ? upstream : client).destroy();
      });
    }
    relay(client, upstream, client, fate.up, fate.end);
    relay(upstream, client, client, fate.down, fate.end);
  });
  await new Promise((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  return {
    port: server.address().port,
    get open() {
      return sockets.size;
    },
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

// A handshake and a short exchange take about two thousand bytes each way.
function fateOf(random) {
  const bytes = () => Math.floor(random() * 2500);
  const end = ENDS[Math.floor(random() * ENDS.length)];
  const dice = random();
  if (dice < 0.3) return { up: bytes(), down: Number.POSITIVE_INFINITY, end };
  if (dice < 0.7) return { up: Number.POSITIVE_INFINITY, down: bytes(), end };
  return { up: Number.POSITIVE_INFINITY, down: Number.POSITIVE_INFINITY, end };
}

function relay(from, to, client, limit, end) {
  let left = limit;
  from.on('data', (chunk) => {
    if (left <= 0) return;
    to.write(chunk.subarray(0, left));
    left -= chunk.length;
    if (left > 0) return;
    // Node loses a socket for good, and cannot end any more, if it is reset while its own end is on the way.
    if (end === 'reset' && !client.writableEnded) client.resetAndDestroy();
    else if (end === 'reset') client.destroy();
    else if (end === 'close') client.destroySoon();
  });
  from.on('end', () => {
    if (left > 0) to.end();
  });
}
