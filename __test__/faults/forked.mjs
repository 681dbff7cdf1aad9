// A parent that has sent, its fork that sends too, and the parent once more.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { sendMessage } from '../support/package.mjs';
import { NODE } from '../support/runtime.mjs';
import { letter } from './fixture.mjs';

const options = JSON.parse(process.argv[2]);
const send = async () => {
  const { id } = await sendMessage(letter.data, letter.config, options);
  return id;
};

if (process.send) {
  process.send(await send(), () => process.disconnect());
} else {
  const ids = [await send()];
  const [execPath, ...execArgv] = NODE;
  const children = [1, 2].map(() =>
    fork(fileURLToPath(import.meta.url), process.argv.slice(2), { execPath, execArgv }),
  );
  const [[first], [second], own] = await Promise.all([
    ...children.map((child) => once(child, 'message')),
    send(),
  ]);
  console.log(JSON.stringify([...ids, first, second, own]));
}
