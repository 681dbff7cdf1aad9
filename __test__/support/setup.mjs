import { startGateway } from './testing.mjs';

// Whatever a test forgets to say, no request leaves this machine: nothing listens on port 9 of it.
process.env.SMSAERO_GATEWAYS = 'http://127.0.0.1:9';

export const NUMBER = '79001234567';
const CODE = '482913';

/** One message, as Logto hands it over. */
export function message(changes = {}) {
  return { to: NUMBER, type: 'SignIn', payload: { code: CODE }, ...changes };
}

/** A gateway that takes every account, for tests whose subject is not the account. */
export function openGateway(options = {}) {
  return startGateway({
    ...options,
    account: { allowAnyCredentials: true, balance: 1e9, ...options.account },
  });
}

/** An envelope as SMS Aero answers a message with. */
export function accepted(data = {}, rest = {}) {
  return { success: true, data: { id: 17, status: 0, ...data }, message: null, ...rest };
}
