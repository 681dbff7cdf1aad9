// What the connector takes over from Node: whom to trust, and the proxy to go through. Asked before the first message to a
// secure gateway, and for the trust alone when the issuer of a certificate is unknown.
() => {
  // Where systems keep the bundle that OpenSSL takes by default.
  const OPENSSL_FILES = [
    '/etc/ssl/certs/ca-certificates.crt',
    '/etc/ssl/cert.pem',
    '/etc/pki/tls/certs/ca-bundle.crt',
    '/usr/lib/ssl/cert.pem',
    '/usr/local/ssl/cert.pem',
  ];
  const { env } = process;
  const tls = process.getBuiltinModule('node:tls');
  const fs = process.getBuiltinModule('node:fs');
  // What cannot be read is left out, as Node leaves it out.
  const read = (file) => {
    try {
      return fs.readFileSync(file, 'utf8');
    } catch {
      return '';
    }
  };
  const list = (folder) => {
    try {
      return fs.readdirSync(folder).map((name) => `${folder}/${name}`);
    } catch {
      return [];
    }
  };
  // Node does not say what is in OpenSSL's own store, only that it is used.
  const flags = `${process.execArgv.join(' ')} ${env.NODE_OPTIONS ?? ''}`;
  const openssl = () => {
    const file = env.SSL_CERT_FILE || OPENSSL_FILES.find((name) => fs.existsSync(name));
    const folders = (env.SSL_CERT_DIR || (file ? '' : '/etc/ssl/certs')).split(':').filter(Boolean);
    return [file ? read(file) : '', ...folders.flatMap(list).map(read)];
  };
  const trusted = () => {
    const extra = env.NODE_EXTRA_CA_CERTS ? read(env.NODE_EXTRA_CA_CERTS) : '';
    // With it come those that the program has set.
    const known = tls.getCACertificates?.('default');
    if (/--use-openssl-ca\b/.test(flags)) return [...openssl(), extra, ...(known ?? [])];
    return known ?? [...tls.rootCertificates, extra];
  };
  const proxy = env.https_proxy || env.HTTPS_PROXY || env.all_proxy || env.ALL_PROXY || '';
  return [trusted().join('\n'), proxy, env.no_proxy || env.NO_PROXY || ''];
};
