import { createInterface } from 'node:readline/promises';

import { startGateway } from '../testing/index.js';
import { forcedBy, segment } from '../testing/segments.js';
import { load } from './addon.js';
import { USAGE_TYPES } from './check-templates.js';
import { causeOf, counted, maskedNumber, painter, table, visible } from './format.js';
import { readSettings } from './settings.js';
import { UsageError } from './usage.js';

/** Sends one message, after showing what it will be. */
export const send = async (options) => {
  const to = readNumber(options.to);
  const { type } = options;
  const { connector, error } = await load();
  if (connector === null) throw new Error(error);
  const { config: stored } = await readSettings(options, connector);
  if (options.text === undefined) checkType(type, stored?.templates);
  const config = options.test ? { ...Object(stored), testMode: true } : stored;
  const isReal = config?.testMode !== true;
  const asks = isReal && !options.yes;
  const canAsk = process.stdin.isTTY && process.stderr.isTTY;
  if (asks && !canAsk) {
    throw new UsageError('There is no terminal to ask at: add --yes to send, or --test to send nothing.');
  }

  const payload = { code: options.code, ...(options.locale && { locale: options.locale }) };
  const isPlain = options.text !== undefined;
  const data = isPlain ? { to, text: options.text } : { to, type, payload };
  const sendMessage = isPlain ? connector.sendText : connector.sendMessage;
  try {
    const message = await rehearse(sendMessage, data, config);
    console.error(preview(message, isReal));
    if (asks && !(await confirmed())) {
      console.error('Nothing was sent.');
      return 1;
    }
    const receipt = await sendMessage(data, config, { gateways: options.gateways });
    console.log(accepted(receipt, isReal));
    return 0;
  } catch (failure) {
    throw new Error(sentenceOf(failure));
  }
};

const checkType = (type, templates) => {
  const own = Array.isArray(templates) ? templates.map((template) => template?.usageType) : [];
  if (USAGE_TYPES.includes(type) || own.includes(type)) return;
  const meant = USAGE_TYPES.find((known) => known.toLowerCase() === type.toLowerCase());
  const advice = meant ? `Write ${meant}.` : `Logto's are ${USAGE_TYPES.join(', ')}.`;
  throw new UsageError(`There is no usage type ${JSON.stringify(type)}. ${advice}`);
};

const readNumber = (to) => {
  if (to === undefined) throw new UsageError('Say whom to write to: --to 79001234567');
  const digits = to.replace(/[\s()+.-]/g, '');
  if (!/^\d+$/.test(digits)) {
    throw new UsageError('--to takes a phone number with its country code, such as 79001234567.');
  }
  return digits;
};

// The connector itself composes the message, for a gateway on this machine: what is displayed is what will go.
const rehearse = async (sendMessage, data, config) => {
  const account = { allowAnyCredentials: true, balance: 1e6 };
  const gateway = await startGateway({ account });
  try {
    await sendMessage(data, config, { gateways: gateway.url });
  } catch (error) {
    // A text that SMS Aero would refuse is for SMS Aero to refuse.
    if (gateway.requests.length === 0) throw error;
  } finally {
    await gateway.stop();
  }
  return JSON.parse(gateway.requests[0].body);
};

const preview = ({ number, sign, text }, isReal) => {
  const paint = painter(process.stderr);
  const { alphabet, parts } = segment(text);
  const cause = forcedBy(text);
  const why = cause === null ? '' : `, for ${causeOf(cause)}`;
  const price = isReal ? 'each billed as a message' : 'nothing is sent or charged: test mode';
  return table([
    [['to', paint.dim], maskedNumber(number)],
    [['sender', paint.dim], sign],
    ...text.split('\n').map((line, place) => [[place === 0 ? 'text' : '', paint.dim], line]),
    [['costs', paint.dim], `${counted(parts, 'part')} (${alphabet}${why}), ${price}`],
  ]);
};

const confirmed = async () => {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question('Send it? [y/N] ');
    return /^y(es)?$/i.test(answer.trim());
  } catch {
    return false;
  } finally {
    terminal.close();
  }
};

const accepted = ({ id, status, extendStatus, cost, gateway }, isReal) => {
  const paint = painter(process.stdout);
  const details = [
    `id ${id}`,
    status !== null && `status ${status}${extendStatus ? ` (${extendStatus})` : ''}`,
    cost !== null && `cost ${cost}`,
    gateway,
  ];
  const lead = isReal ? 'SMS Aero accepted the message' : 'SMS Aero accepted the test message';
  return `${paint.green(lead)}: ${visible(details.filter(Boolean).join(', '))}`;
};

const sentenceOf = ({ code, data, message }) => {
  if (Array.isArray(data?.issues)) {
    const issues = data.issues.map(({ path, message: words }) => `${path.join('.') || 'all of it'}: ${words}`);
    return `The configuration is refused (${issues.join('; ')}). Run doctor with it for what to do.`;
  }
  if (code === 'template_not_found') {
    return `${data.message}. Add a template for it, or switch on fallbackToGeneric.`;
  }
  if (data?.errorDescription) return `${data.errorDescription} [${data.reason}]`;
  return message;
};
