/** Whether a Host header names this machine; a foreign name that resolves to it does not. */
export function isLocalName(host = '') {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  return name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name);
}

/** Whether a browser sent this for a page of another origin, which must neither read nor plant messages. */
export function isForeignPage({ origin, host, 'sec-fetch-site': site }) {
  const isOwn = origin === undefined || origin === `http://${host}` || origin === `https://${host}`;
  const comesFromOutside = site !== undefined && site !== 'same-origin' && site !== 'none';
  return !isOwn || comesFromOutside;
}
