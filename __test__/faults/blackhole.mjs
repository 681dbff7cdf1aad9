// A port that answers no SYN: it listens with the shortest of queues and never accepts.

import net from 'node:net';

// Should nobody end this process.
const LONGEST_MS = 300_000;

const server = net.createServer();
server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
  process.send(server.address().port, () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LONGEST_MS);
    process.exit();
  });
});
