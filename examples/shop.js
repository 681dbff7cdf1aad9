// A toy server that people sign in to by SMS, in the place of the application under test.

import { randomInt } from 'node:crypto';
import http from 'node:http';
import { json } from 'node:stream/consumers';

import { sendMessage } from 'connector-smsaero-native';

const say = (content) =>
  ['SignIn', 'Register', 'ForgotPassword', 'Generic'].map((usageType) => ({ usageType, content }));

const config = {
  email: 'shop@example.com',
  apiKey: 'key-of-the-shop',
  senderName: 'Shop',
  templates: say('{{code}} is your code for the shop.'),
};

const page = `<!doctype html>
<html lang="en"><title>Shop</title><link rel="icon" href="data:,">
<form id="phone"><label>Phone <input name="to" inputmode="tel"></label><button>Send code</button></form>
<form id="code" hidden><label>Code <input name="code" inputmode="numeric"></label><button>Sign in</button></form>
<p role="status"></p>
<script type="module">
  const status = document.querySelector('[role=status]');
  const post = async (path, form) => {
    const body = JSON.stringify(Object.fromEntries(new FormData(form)));
    const response = await fetch(path, { method: 'POST', body });
    status.textContent = (await response.json()).message;
    return response.ok;
  };
  phone.onsubmit = async (event) => {
    event.preventDefault();
    code.hidden = !(await post('/code', phone));
  };
  code.onsubmit = (event) => {
    event.preventDefault();
    post('/sign-in', code);
  };
</script></html>`;

const answer = async (route, request) => {
  try {
    return await route(Object(await json(request)));
  } catch {
    return [400, 'The request is not JSON.'];
  }
};

/** Starts the shop; messages go where `gateways` says, else where SMSAERO_GATEWAYS does. */
export const startShop = async ({ gateways } = {}) => {
  let expected = null;
  const routes = {
    'POST /code': async ({ to }) => {
      expected = String(randomInt(100_000, 1_000_000));
      const message = { to, type: 'SignIn', payload: { code: expected } };
      try {
        await sendMessage(message, config, { gateways });
        return [200, 'The code is on its way.'];
      } catch {
        return [502, 'The code could not be sent. Try again later.'];
      }
    },
    'POST /sign-in': async ({ code }) => {
      // Before a code was asked for there is none, and each is good for once.
      if (expected === null || code !== expected) return [401, 'That is not the code.'];
      expected = null;
      return [200, 'Welcome!'];
    },
  };
  const server = http.createServer(async (request, response) => {
    const route = routes[`${request.method} ${request.url}`];
    if (!route) return response.setHeader('content-type', 'text/html; charset=utf-8').end(page);
    const [status, message] = await answer(route, request);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
};
