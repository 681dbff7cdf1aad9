// A proxy on this machine that takes CONNECT and nothing else, whatever name is asked for.

import http from 'node:http';
import https from 'node:https';
import net from 'node:net';

/**
 * Starts a proxy that connects every tunnel to `target`, a port of this machine. With `credentials` it wants them;
 * with `status` it refuses with that; with `mode` `hold` or `reset` it does so to each CONNECT; with `tls` it speaks it.
 */
export async function startProxy({ target, credentials, status, mode, tls } = {}) {
  const sockets = new Set();
  const seen = [];
  const refuse = (socket, code, reason, headers = '') =>
    socket.end(`HTTP/1.1 ${code} ${reason}\r\n${headers}content-length: 0\r\n\r\n`);
  const expected = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;

  const server = tls ? https.createServer(tls) : http.createServer();
  server.on('request', (request, response) => {
    seen.push({ method: request.method, url: request.url, headers: request.headers });
    response.writeHead(405).end();
  });
  server.on('connect', ({ url, headers }, client, head) => {
    seen.push({ method: 'CONNECT', url, headers });
    client.on('error', () => {});
    const authorization = headers['proxy-authorization'];
    if (mode === 'hold') return;
    if (mode === 'reset') client.resetAndDestroy();
    else if (status) refuse(client, status, 'Refused');
    else if (expected && authorization !== expected) {
      refuse(client, 407, 'Proxy Authentication Required', 'proxy-authenticate: Basic\r\n');
    } else {
      const upstream = net.connect({ host: '127.0.0.1', port: target });
      sockets.add(upstream);
      upstream.on('error', () => client.destroy());
      upstream.once('connect', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        upstream.write(head);
        client.pipe(upstream).pipe(client);
      });
      client.once('close', () => upstream.destroy());
    }
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  const { port } = server.address();
  return {
    port,
    host: `127.0.0.1:${port}`,
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    seen,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
