// Throw-away certificates for a gateway that speaks TLS. Only for tests: the key is in memory, and
// in whatever a test writes it to.

import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';

const HOUR_MS = 3_600_000;
const MONTH_MS = 30 * 24 * HOUR_MS;

// Object identifiers, DER encoded.
const COMMON_NAME = '550403';
const SUBJECT_KEY_ID = '551d0e';
const KEY_USAGE = '551d0f';
const ALTERNATIVE_NAMES = '551d11';
const BASIC_CONSTRAINTS = '551d13';
const AUTHORITY_KEY_ID = '551d23';
const EXTENDED_KEY_USAGE = '551d25';
const SERVER_AUTHENTICATION = '2b06010505070301';
const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'));

// Bit strings: how many bits are unused, then the bits.
const SIGNS_CERTIFICATES = Buffer.from([1, 0x06]);
const SIGNS_HANDSHAKES = Buffer.from([7, 0x80]);
const TRUE = tlv(0x01, Buffer.from([0xff]));

/** An authority and a certificate of it for the given names, as PEM. */
export function certificate({
  names = ['localhost', '127.0.0.1', '::1'],
  notBefore = new Date(Date.now() - HOUR_MS),
  notAfter = new Date(Date.now() + MONTH_MS),
} = {}) {
  const root = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const leaf = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  // Its own name for each, or a store with two of them could not tell which one signed.
  const issuer = commonName(`Embedded gateway authority ${randomBytes(4).toString('hex')}`);
  const authorityId = keyId(root.publicKey);

  // Valid now whatever the leaf is, so that an expired leaf is refused for that alone.
  const ca = issue({
    signer: root.privateKey,
    issuer,
    notBefore: new Date(Date.now() - HOUR_MS),
    notAfter: new Date(Date.now() + MONTH_MS),
    subject: issuer,
    publicKey: root.publicKey,
    extensions: [
      extension(BASIC_CONSTRAINTS, true, sequence(TRUE)),
      extension(KEY_USAGE, true, tlv(0x03, SIGNS_CERTIFICATES)),
      extension(SUBJECT_KEY_ID, false, tlv(0x04, authorityId)),
    ],
  });
  // Not an authority itself: rustls refuses an authority's certificate as a server's.
  const cert = issue({
    signer: root.privateKey,
    issuer,
    notBefore,
    notAfter,
    subject: commonName(names[0]),
    publicKey: leaf.publicKey,
    extensions: [
      extension(BASIC_CONSTRAINTS, true, sequence()),
      extension(KEY_USAGE, true, tlv(0x03, SIGNS_HANDSHAKES)),
      extension(EXTENDED_KEY_USAGE, false, sequence(oid(SERVER_AUTHENTICATION))),
      extension(ALTERNATIVE_NAMES, false, sequence(...names.map(alternativeName))),
      extension(AUTHORITY_KEY_ID, false, sequence(tlv(0x80, authorityId))),
    ],
  });
  return { key: leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }), cert, ca };
}

function issue({ signer, issuer, notBefore, notAfter, subject, publicKey, extensions }) {
  const body = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, Buffer.concat([Buffer.from([0x01]), randomBytes(8)])),
    ECDSA_SHA256,
    issuer,
    sequence(time(notBefore), time(notAfter)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(...extensions)),
  );
  const signature = Buffer.concat([Buffer.from([0]), sign('sha256', body, signer)]);
  const der = sequence(body, ECDSA_SHA256, tlv(0x03, signature));
  const lines = der.toString('base64').replace(/(.{64})(?=.)/g, '$1\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

function keyId(publicKey) {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest().subarray(0, 20);
}

function extension(id, critical, value) {
  return sequence(oid(id), ...(critical ? [TRUE] : []), tlv(0x04, value));
}

function alternativeName(name) {
  const version = isIP(name);
  if (version === 4) return tlv(0x87, Buffer.from(name.split('.').map(Number)));
  if (version === 6) return tlv(0x87, ipv6(name));
  return tlv(0x82, Buffer.from(name, 'ascii'));
}

function ipv6(address) {
  const [head, tail] = address.split('::').map((half) => half.split(':').filter(Boolean));
  const gap = tail ? Array(8 - head.length - tail.length).fill('0') : [];
  const groups = [...head, ...gap, ...(tail ?? [])];
  return Buffer.from(groups.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255]));
}

function commonName(name) {
  return sequence(tlv(0x31, sequence(oid(COMMON_NAME), tlv(0x0c, Buffer.from(name)))));
}

function time(date) {
  const digits = date.toISOString().replace(/\.\d+|[-:T]/g, '');
  // X.509 writes years from 1950 to 2049 with two digits, all others with four.
  const short = date.getUTCFullYear() >= 1950 && date.getUTCFullYear() < 2050;
  return short ? tlv(0x17, Buffer.from(digits.slice(2))) : tlv(0x18, Buffer.from(digits));
}

function sequence(...items) {
  return tlv(0x30, Buffer.concat(items));
}

function oid(hex) {
  return tlv(0x06, Buffer.from(hex, 'hex'));
}

function tlv(tag, content) {
  const size = content.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}
