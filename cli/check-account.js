import { ask } from './addon.js';

const SHARED_NAME = /^sms ?aero$/i;

/** Asks a gateway who the credentials belong to. Only reads; none of these methods sends anything. */
export const inspectAccount = async (gateway, { email, apiKey, senderName }, places) => {
  const read = (method) => request(gateway, method, { email, apiKey });
  const account = { gateway, credentials: 'unknown', balance: null, sender: null, findings: [] };
  const auth = await read('auth');
  const refusal = refusalOf(auth, gateway, places);
  if (refusal !== null) {
    account.credentials = refusal.credentials;
    account.findings.push(refusal.finding);
    return account;
  }
  account.credentials = 'accepted';
  const [balance, signs] = await Promise.all([read('balance'), read('sign/list')]);
  readBalance(balance, account);
  readSender(signs, senderName, places.senderName, account);
  return account;
};

const request = async (gateway, method, { email, apiKey }) => {
  const { status, body, trouble } = await ask({ ask: { gateway, method, email, apiKey } });
  return trouble === undefined ? { status, envelope: parse(body) } : { trouble };
};

const parse = (body) => {
  try {
    const value = JSON.parse(body);
    return typeof value === 'object' && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
};

const REFUSALS = {
  401: 'credentials',
  403: 'credentials',
  404: 'ip',
  429: 'busy',
};

const refusalOf = ({ trouble, status, envelope }, gateway, { email, apiKey }) => {
  const say = (credentials, level, message) => ({
    credentials,
    finding: finding(level, 'credentials', message),
  });
  if (trouble) return say('unknown', 'fail', trouble);
  if (status === 200 && envelope?.success === true) return null;
  const kind = REFUSALS[status] ?? (status >= 500 ? 'outage' : 'other');
  const reason = status === 200 && envelope?.success === false ? 'credentials' : kind;
  switch (reason) {
    case 'credentials':
      return say(
        'refused',
        'fail',
        `SMS Aero does not accept the credentials (HTTP ${status}). Check ${email} (the address of the SMS Aero account) and ${apiKey} (a key from the API settings of SMS Aero's cabinet).`,
      );
    case 'ip':
      return say(
        'unknown',
        'fail',
        "SMS Aero does not accept requests from this machine's IP address (HTTP 404). Add it to the allow-list in the API settings of SMS Aero's cabinet, or switch the list off there. Where the gateways were replaced, check their base URL.",
      );
    case 'busy':
      return say(
        'unknown',
        'warn',
        'SMS Aero had too many requests to check the credentials (HTTP 429). Run doctor again in a minute.',
      );
    case 'outage':
      return say(
        'unknown',
        'fail',
        `SMS Aero has an outage (HTTP ${status}). Messages would fail now; try again in a few minutes.`,
      );
    default:
      return say(
        'unknown',
        'fail',
        `What answers at ${gateway} does not speak SMS Aero's API (HTTP ${status}). Check SMSAERO_GATEWAYS, and the proxy or firewall in between.`,
      );
  }
};

const readBalance = ({ trouble, status, envelope }, account) => {
  const written = envelope?.data?.balance;
  const balance = typeof written === 'string' ? Number.parseFloat(written) : written;
  if (!Number.isFinite(balance)) {
    const why = trouble ?? `HTTP ${status}`;
    account.findings.push(
      finding('warn', 'balance', `The balance could not be read (${why}). Look at it in SMS Aero's cabinet.`),
    );
    return;
  }
  account.balance = balance;
  if (balance <= 0) {
    account.findings.push(
      finding('fail', 'balance', `The balance is ${balance}: SMS Aero sends nothing. Top it up in SMS Aero's cabinet.`),
    );
  }
};

const readSender = ({ trouble, status, envelope }, name, place, account) => {
  const say = (level, message) => account.findings.push(finding(level, 'sender', message));
  const data = envelope?.success === true ? envelope.data : null;
  if (data === null || typeof data !== 'object') {
    say(
      'warn',
      `The list of sender names could not be read (${trouble ?? `HTTP ${status}`}). Look in SMS Aero's cabinet whether ${JSON.stringify(name)} is approved.`,
    );
    return;
  }
  const signs = Object.values(data).filter((sign) => typeof sign?.name === 'string');
  const isComplete = signs.length >= Number(data.totalCount ?? signs.length);
  const own = signs.filter((sign) => sign.name === name);
  const approved = own.some((sign) => Number(sign.status) === 1);
  account.sender = { name, approved, listed: own.length > 0 };
  if (SHARED_NAME.test(name)) {
    account.sender.shared = true;
    say(
      'warn',
      `${JSON.stringify(name)} is the name that all customers of SMS Aero share: operators may refuse one-time codes under it and bill them all the same. Have a name of your own approved in SMS Aero's cabinet, then put it into ${place}.`,
    );
    return;
  }
  if (approved) return;
  if (own.length > 0) {
    say(
      'fail',
      `The sender name ${JSON.stringify(name)} is not approved yet (status ${own[0].status}). Wait for SMS Aero's approval, or use an approved name in ${place}.`,
    );
    return;
  }
  const alike = signs.find((sign) => sign.name.trim().toLowerCase() === name.trim().toLowerCase());
  const names = signs.filter((sign) => Number(sign.status) === 1).map((sign) => JSON.stringify(sign.name));
  const advice = alike
    ? `It is spelled ${JSON.stringify(alike.name)} there.`
    : `Approved: ${names.slice(0, 5).join(', ') || 'none'}.`;
  if (isComplete) {
    say(
      'fail',
      `The sender name ${JSON.stringify(name)} is not among the account's names. ${advice} Correct ${place}.`,
    );
  } else {
    account.sender.approved = null;
    say(
      'warn',
      `The sender name ${JSON.stringify(name)} is not among the first ${signs.length} of the account's ${data.totalCount} names. Look in SMS Aero's cabinet whether it is approved.`,
    );
  }
};

const finding = (level, check, message) => ({ level, check, message });
