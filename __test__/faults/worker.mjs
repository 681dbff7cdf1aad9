// A worker that loads the connector, sends, and says so; it is there to be ended.

import { parentPort, workerData } from 'node:worker_threads';

import { sendMessage } from '../support/package.mjs';
import { letter } from './fixture.mjs';

const { options, sends } = workerData;
const sending = Array.from({ length: sends }, () =>
  sendMessage(letter.data, letter.config, options).then(
    () => 'accepted',
    ({ data }) => data.reason,
  ),
);
parentPort.postMessage('sending');
parentPort.postMessage(await Promise.all(sending));
