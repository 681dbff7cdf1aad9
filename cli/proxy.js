import { BlockList, isIP } from 'node:net';

/** The proxy that the connector would take, as the usual variables name it; null without one. */
export const readProxy = (env = process.env) => {
  const names = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'];
  const variable = names.find((name) => env[name]);
  const written = variable === undefined ? '' : env[variable].trim();
  if (written === '') return null;
  const url = parse(written.includes('://') ? written : `http://${written}`);
  if (url === null) return { variable, usable: false, shown: null };
  return {
    variable,
    usable: true,
    shown: shown(url),
    url,
    except: env.no_proxy || env.NO_PROXY || '',
  };
};

const parse = (written) => {
  try {
    const url = new URL(written);
    return ['http:', 'https:'].includes(url.protocol) && url.hostname ? url : null;
  } catch {
    return null;
  }
};

const shown = ({ hostname, port, protocol }) =>
  `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;

/** Whether a gateway is reached through the proxy: this machine and what NO_PROXY lists are not. */
export const goesThrough = (proxy, { hostname }) =>
  proxy !== null && !isLoopback(hostname) && !isExcepted(bare(hostname), proxy.except ?? '');

const bare = (hostname) => hostname.replace(/^\[|\]$/g, '').toLowerCase();

/** Whether a host name is this machine. */
export const isLoopback = (hostname) => {
  const host = bare(hostname);
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
};

const isExcepted = (host, except) =>
  except
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter(Boolean)
    .some((entry) => entry === '*' || (isIP(host) ? isInside(host, entry) : isBelow(host, entry)));

const isBelow = (host, entry) => {
  const domain = entry.replace(/^\./, '');
  return host === domain || host.endsWith(`.${domain}`);
};

const isInside = (address, entry) => {
  const [network, bits] = entry.split('/');
  const family = isIP(network);
  if (family === 0 || family !== isIP(address)) return false;
  const list = new BlockList();
  const kind = `ipv${family}`;
  try {
    list.addSubnet(network, bits === undefined ? (family === 4 ? 32 : 128) : Number(bits), kind);
  } catch {
    return false;
  }
  return list.check(address, kind);
};
