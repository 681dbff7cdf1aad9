import { createConnector, inPackage, sendMessage } from './package.mjs';

const { startInbox } = await import(inPackage('testing', 'ui.js'));

const { metadata } = await createConnector({ getConfig: async () => ({}) });
export const templates = [
  ...metadata.formItems.find(({ key }) => key === 'templates').defaultValue,
  {
    usageType: 'SignIn',
    locale: 'ru',
    content: '{{code}} — код для входа. Никому его не сообщайте.',
  },
];
const config = { email: 'owner@example.com', apiKey: 'key', senderName: 'Acme', templates };

/** An inbox that ends with the test, and ways to send to it and to ask it. */
export const openInbox = async (t) => {
  const inbox = await startInbox({ templates });
  // In this order: a page that outlives its inbox throws.
  const closing = [];
  t.after(async () => {
    for (const close of closing) await close();
    await inbox.stop();
  });
  const send = (to, type, code, { locale, testMode, timeoutMs } = {}) =>
    sendMessage(
      { to, type, payload: { code, ...(locale && { locale }) } },
      { ...config, ...(testMode && { testMode }) },
      { gateways: inbox.url, timeoutMs },
    );
  const api = async (path, options) => {
    const response = await fetch(inbox.url + path, options);
    return { status: response.status, body: await response.json() };
  };
  return { inbox, send, api, closing };
};
