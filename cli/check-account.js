const SHARED_NAME = /^sms ?aero$/i;

/** Asks a gateway who the credentials belong to, as the connector asks. Sends nothing. */
export const inspectAccount = async (connector, gateway, { email, apiKey, senderName }, places) => {
  const [balance, names] = await Promise.allSettled([
    connector.getBalance({ email, apiKey }, { gateways: gateway }),
    connector.listSenderNames({ email, apiKey }, { gateways: gateway }),
  ]);
  const account = { gateway, credentials: 'unknown', balance: null, sender: null, findings: [] };
  const isRefused = isAboutCredentials(balance.reason) || names.status === 'rejected';
  if (balance.status === 'rejected' && isRefused) {
    const { credentials, finding } = refusalOf(balance.reason, gateway, places);
    account.credentials = credentials;
    account.findings.push(finding);
    return account;
  }
  account.credentials = 'accepted';
  readBalance(balance, account);
  readSender(names, senderName, places.senderName, account);
  return account;
};

const isAboutCredentials = (error) => ['unauthorized', 'rejected'].includes(error?.data?.reason);

const refusalOf = ({ data, message }, gateway, { email, apiKey }) => {
  const { reason, status, errorDescription } = data ?? {};
  const http = `(HTTP ${status})`;
  const say = (credentials, level, sentence) => ({ credentials, finding: finding(level, 'credentials', sentence) });
  switch (reason) {
    case 'unauthorized':
    // HTTP 200, and nothing else to refuse in a question without fields.
    case 'rejected':
      return say(
        'refused',
        'fail',
        `SMS Aero does not accept the credentials ${http}. Check ${email} (the address of the SMS Aero account) and ${apiKey} (a key from the API settings of SMS Aero's dashboard).`,
      );
    case 'ip_not_allowed':
      return say(
        'unknown',
        'fail',
        `SMS Aero does not accept requests from this machine's IP address ${http}. Add it to the allow-list in the API settings of SMS Aero's dashboard, or switch the list off there. Where the gateways were replaced, check their base URL.`,
      );
    case 'rate_limited':
      return say(
        'unknown',
        'warn',
        `SMS Aero had too many requests to check the credentials ${http}. Run doctor again in a minute.`,
      );
    case 'unavailable':
      return say(
        'unknown',
        'fail',
        `SMS Aero has an outage ${http}. Messages would fail now; try again in a few minutes.`,
      );
    case 'bad_response':
    case 'validation':
      return say(
        'unknown',
        'fail',
        `What answers at ${gateway} does not speak SMS Aero's API ${http}. Check SMSAERO_GATEWAYS, and the proxy or firewall in between.`,
      );
    default:
      return say('unknown', 'fail', errorDescription ?? message);
  }
};

const readBalance = ({ value, reason }, account) => {
  if (reason) {
    account.findings.push(
      finding('warn', 'balance', `The balance could not be read (${why(reason)}). Look at it in SMS Aero's dashboard.`),
    );
    return;
  }
  account.balance = value;
  if (value <= 0) {
    account.findings.push(
      finding('fail', 'balance', `The balance is ${value}: SMS Aero sends nothing. Top it up in SMS Aero's dashboard.`),
    );
  }
};

const why = ({ data, message }) => (data?.status ? `HTTP ${data.status}` : message);

const readSender = ({ value: signs, reason }, name, place, account) => {
  const say = (level, message) => account.findings.push(finding(level, 'sender', message));
  if (reason) {
    say(
      'warn',
      `The list of sender names could not be read (${why(reason)}). Look in SMS Aero's dashboard whether ${JSON.stringify(name)} is approved.`,
    );
    return;
  }
  const own = signs.filter((sign) => sign.name === name);
  const approved = own.some((sign) => sign.isApproved);
  account.sender = { name, approved, listed: own.length > 0 };
  if (SHARED_NAME.test(name)) {
    account.sender.shared = true;
    say(
      'warn',
      `${JSON.stringify(name)} is the name that all customers of SMS Aero share: operators may refuse one-time codes under it and bill them all the same. Have a name of your own approved in SMS Aero's dashboard, then put it into ${place}.`,
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
  const names = signs.filter((sign) => sign.isApproved).map((sign) => JSON.stringify(sign.name));
  const advice = alike
    ? `It is spelled ${JSON.stringify(alike.name)} there.`
    : `Approved: ${names.slice(0, 5).join(', ') || 'none'}.`;
  say('fail', `The sender name ${JSON.stringify(name)} is not among the account's names. ${advice} Correct ${place}.`);
};

const finding = (level, check, message) => ({ level, check, message });
