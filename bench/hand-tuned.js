// What can be had from Node's own HTTP client with the same contract: kept connections, no library, no needless work.

import https from 'node:https';
import { ConnectorError } from '@logto/connector-kit';
import { z } from 'zod';

const REQUIRED = ['Register', 'SignIn', 'ForgotPassword', 'Generic'];

const configGuard = z.object({
  email: z.string().email(),
  apiKey: z.string(),
  senderName: z.string(),
  templates: z
    .array(z.object({ usageType: z.string(), content: z.string() }))
    .refine((templates) => REQUIRED.every((type) => templates.some(({ usageType }) => usageType === type))),
});

const agent = new https.Agent({
  keepAlive: true,
  maxSockets: 64,
  scheduling: 'lifo',
  timeout: 60_000,
});

const host = 'gate.smsaero.ru';
const path = '/v2/sms/send';

const post = (authorization, body) =>
  new Promise((resolve, reject) => {
    const headers = {
      authorization,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    const request = https.request({ agent, host, path, method: 'POST', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode, text }));
    });
    request.on('error', reject);
    request.end(body);
  });

const render = (content, payload) =>
  content.replace(/{{\s*([\w.]+)\s*}}/g, (handlebar, name) => {
    const [root, ...keys] = name.split('.');
    if (!(root in payload)) return handlebar;
    return String(keys.reduce((value, key) => value?.[key], payload[root]) ?? '');
  });

export default async ({ getConfig }) => ({
  metadata: { id: 'smsaero-short-message-service' },
  type: 'Sms',
  configGuard,
  sendMessage: async ({ to, type, payload }, inputConfig) => {
    const config = inputConfig ?? (await getConfig('smsaero-short-message-service'));
    const guarded = configGuard.safeParse(config);
    if (!guarded.success) throw new ConnectorError('invalid_config', guarded.error);
    const { email, apiKey, senderName, templates } = guarded.data;
    const template = templates.find(({ usageType }) => usageType === type);
    if (!template) {
      throw new ConnectorError('template_not_found', `Cannot find template for type: ${type}`);
    }
    const text = render(template.content, payload);
    const authorization = `Basic ${Buffer.from(`${email}:${apiKey}`).toString('base64')}`;
    const body = JSON.stringify({ number: to, sign: senderName, text });
    const reply = await post(authorization, body);
    if (reply.status !== 200 || JSON.parse(reply.text).success !== true) {
      throw new ConnectorError('general', reply.text);
    }
  },
});
