// Sends one letter and prints what came of it.

import { sendMessage } from '../support/package.mjs';
import { letter } from './fixture.mjs';

const options = JSON.parse(process.argv[2] ?? '{}');
let answer;
try {
  const { id, gateway } = await sendMessage(letter.data, letter.config, options);
  answer = { id, gateway };
} catch (error) {
  answer = { code: error.code, ...error.data };
}
console.log(JSON.stringify(answer));
