// Loaded into a sample with --import: the official connector knows one address, and it must not be reached.
import net from 'node:net';

const port = Number(process.env.BENCH_PORT);
const { connect } = net.Socket.prototype;

const here = (options) =>
  options?.host === 'gate.smsaero.ru' ? { ...options, host: '127.0.0.1', port, lookup: undefined } : options;

// Below TLS, so that the certificate is still asked for gate.smsaero.ru and everything else stays as it is.
net.Socket.prototype.connect = function (...args) {
  const [target] = args;
  // Node hands its own calls on as an array that it has marked.
  if (Array.isArray(target)) target[0] = here(target[0]);
  else args[0] = here(target);
  return connect.apply(this, args);
};
