import type { CreateConnector, SmsConnector } from '@logto/connector-kit';
import createDefault, {
  type ConnectorOptions,
  createConnector,
  getBalance,
  getStatus,
  listSenderNames,
  type MessageStatus,
  type Reason,
  type Receipt,
  type SendMessageData,
  type SenderName,
  type SendOptions,
  type SmsAeroAccount,
  type SmsAeroConfig,
  type SmsAeroTemplate,
  sendMessage,
  sendText,
} from 'connector-smsaero-native';

export const forLogto: CreateConnector<SmsConnector> = createDefault;
export const sameForLogto: CreateConnector<SmsConnector> = createConnector;

const template: SmsAeroTemplate = { usageType: 'SignIn', content: '{{code}}', locale: 'ru' };
const config: SmsAeroConfig = {
  email: 'owner@example.com',
  apiKey: 'key',
  senderName: 'SMSAero',
  templates: [template, { usageType: 'Generic', content: '{{code}}' }],
  fallbackToGeneric: true,
  testMode: false,
  allowedPrefixes: ['7', '+375'],
};
export const written: SmsAeroConfig = { ...config, allowedPrefixes: '7, 375' };

const data: SendMessageData = {
  to: '79001234567',
  type: 'SignIn',
  payload: { code: '123456', locale: 'ru', uiLocales: 'ru en', application: { name: 'Any' } },
  ip: '127.0.0.1',
};
const options: SendOptions = { gateways: ['http://127.0.0.1:1'] };

export async function send(): Promise<[number | string, string, number | null]> {
  const receipt: Receipt = await sendMessage(data, config, options);
  const { id, gateway, cost } = await sendMessage(data, config);
  const { from, status, extendStatus, channel, dateCreate, dateSend } = receipt;
  const words: (string | null)[] = [from, extendStatus, channel];
  const numbers: (number | null)[] = [status, dateCreate, dateSend];
  return words.length + numbers.length > 0 ? [id, gateway, cost] : [0, '', null];
}

const account: SmsAeroAccount = { email: 'owner@example.com', apiKey: 'key', senderName: 'Shop', testMode: true };

/** Sends a text, waits until it is known what became of it, and says which names could be used. */
export async function sendPlainly(): Promise<[MessageStatus['state'], number, string[]]> {
  const { id } = await sendText({ to: '79001234567', text: 'Your parcel is here.' }, account, options);
  let status: MessageStatus = await getStatus(id, account);
  while (!status.isFinal) status = await getStatus(BigInt(id), config, options);
  const names: SenderName[] = await listSenderNames(account);
  const balance: number = await getBalance({ email: account.email, apiKey: account.apiKey });
  return [status.state, balance, names.filter(({ isApproved }) => isApproved).map(({ name }) => name)];
}

export async function connect(): Promise<void> {
  const given: ConnectorOptions = { getConfig: async () => config, gateways: 'http://127.0.0.1:1' };
  const { metadata, type, configGuard, sendMessage: sendStored } = await createConnector(given);
  const kind: 'Sms' = type;
  const id: string = metadata.id;
  const { success } = configGuard.safeParse({ kind, id });
  if (success) await sendStored({ ...data, type: 'SignIn' as never });
}

export const reasons: Reason[] = [
  'validation',
  'unauthorized',
  'no_money',
  'ip_not_allowed',
  'rejected',
  'rate_limited',
  'unavailable',
  'bad_response',
  'timeout',
  'unreachable',
  'unknown_outcome',
  'number_not_allowed',
];
