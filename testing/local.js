/** Whether a Host header names this machine; a foreign name that resolves to it does not. */
export function isLocalName(host = '') {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  return name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name);
}
