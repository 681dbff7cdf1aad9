import {
  createConnector,
  getStatus,
  type Reason,
  type SendMessageData,
  type SmsAeroConfig,
  type SmsAeroTemplate,
  sendMessage,
  sendText,
} from 'connector-smsaero-native';

declare const config: SmsAeroConfig;
declare const data: SendMessageData;
const template = { usageType: 'SignIn', content: '{{code}}' };

export const misspelt: SmsAeroConfig = { ...config, apikey: 'key' }; // refused
export const incomplete: SmsAeroConfig = { email: 'a@b.co', apiKey: '', templates: [] }; // refused
export const wrongType: SmsAeroConfig = { ...config, testMode: 'yes' }; // refused
export const wrongPrefixes: SmsAeroConfig = { ...config, allowedPrefixes: [7] }; // refused
export const noContent: SmsAeroTemplate = { usageType: 'SignIn' }; // refused
export const wrongKey: SmsAeroTemplate = { ...template, usagetype: 'SignIn' }; // refused
export const wrongLocale: SmsAeroTemplate = { ...template, locale: 1 }; // refused
export const wrongNumber: SendMessageData = { ...data, to: 79001234567 }; // refused
export const withoutPayload: SendMessageData = { to: '7', type: 'SignIn' }; // refused
export const wrongReason: Reason = 'no_credits'; // refused
export const wrongGetConfig = createConnector({ getConfig: 5 }); // refused
export const wrongGateways = sendMessage(data, config, { gateways: 5 }); // refused
export const withoutConfig = sendMessage(data); // refused
export const withoutText = sendText({ to: '7' }, config); // refused
export const withoutKey = sendText({ to: '7', text: 'Hi' }, { email: 'owner@example.com' }); // refused
export const wrongId = getStatus({}, config); // refused
