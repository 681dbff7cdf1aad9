// Made by `npm run build` from the doc comments of napi/. Edit those.

import type { SmsConnector } from '@logto/connector-kit';

export { createConnector as default };
