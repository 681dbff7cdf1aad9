import { load } from './addon.js';
import { painter, table, toJson } from './format.js';
import { readSettings } from './settings.js';
import { UsageError } from './usage.js';

// What SMS Aero's states mean to whoever waits for the message.
const STATES = {
  queued: "in SMS Aero's queue",
  delivered: 'delivered to the phone',
  undelivered: 'not delivered: the phone was off or out of reach for too long, or the number does not exist',
  at_operator: 'handed to the operator, who has not reported yet whether it arrived',
  waiting: 'waiting to be sent',
  rejected: 'rejected: neither sent nor delivered',
  moderation: "being looked at by SMS Aero's moderators; it may leave minutes later",
  unknown: 'in a state that SMS Aero does not document',
};

/** Says what became of a message. */
export const status = async (options) => {
  const [id] = options.words;
  if (id === undefined) throw new UsageError('Say which message: status ID, with the number in its receipt.');
  if (!/^\d{1,20}$/.test(id)) throw new UsageError('ID is the number of a message, such as send prints it.');
  const { connector, error } = await load();
  if (connector === null) throw new Error(error);
  const { config } = await readSettings(options, connector);
  const account = options.test ? { ...Object(config), testMode: true } : config;
  let answer;
  try {
    answer = await connector.getStatus(id, account, { gateways: options.gateways });
  } catch ({ data, message }) {
    throw new Error(data?.errorDescription ? `${data.errorDescription} [${data.reason}]` : message);
  }
  console.log(options.json ? toJson(answer) : report(answer));
  return 0;
};

const report = ({ id, state, status: number, extendStatus, isFinal, from, channel, cost, ...dates }) => {
  const paint = painter(process.stdout);
  const time = (seconds) => (seconds === null ? null : new Date(seconds * 1000).toISOString().replace('.000Z', 'Z'));
  const rows = [
    ['message', String(id)],
    ['state', `${STATES[state]} (${[number, extendStatus].filter((word) => word !== null).join(', ')})`],
    ['final', isFinal ? 'yes' : 'no: ask again'],
    ['sender', from],
    ['channel', channel],
    ['cost', cost === null ? null : String(cost)],
    ['taken', time(dates.dateCreate)],
    ['sent', time(dates.dateSend)],
    ['answered', time(dates.dateAnswer)],
  ];
  return table(rows.filter(([, cell]) => cell !== null).map(([name, cell]) => [[name, paint.dim], cell]));
};
