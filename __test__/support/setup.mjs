import { startGateway } from './testing.mjs';

// Whatever a test forgets to say, no request leaves this machine: nothing listens on port 9 of it.
process.env.SMSAERO_GATEWAYS = 'http://127.0.0.1:9';

export const NUMBER = '79001234567';
const CODE = '482913';

/** One message, as Logto hands it over. */
export function message(changes = {}) {
  return { to: NUMBER, type: 'SignIn', payload: { code: CODE }, ...changes };
}

/**
 * A gateway that takes every account, for tests whose subject is not the account. It gives no list of messages, so that
 * nobody goes on asking for one.
 */
export async function openGateway(options = {}) {
  const gateway = await startGateway({
    ...options,
    account: { allowAnyCredentials: true, balance: 1e9, ...options.account },
  });
  return withoutList(gateway);
}

/** The gateway as it was in the beginning. */
export function resetGateway(gateway) {
  gateway.reset();
  withoutList(gateway);
}

function withoutList(gateway) {
  gateway.respondToList('ipNotAllowed');
  return gateway;
}

/** How many messages a gateway was asked to send. */
export function sentTo({ requests }) {
  return requests.filter(({ path }) => path.endsWith('send')).length;
}

/** An envelope as SMS Aero answers a message with. */
export function accepted(data = {}, rest = {}) {
  return { success: true, data: { id: 17, status: 0, ...data }, message: null, ...rest };
}
