// SMS Aero without Logto: one text, the state of a message, the balance, the sender names.
(function (parts) {
  'use strict';

  const { errors, trace, pending, guard, options: optionsHandle, native } = parts;
  const { parse } = JSON;

  const argumentError = (call, field, problem) =>
    errors.connectorError(parse(native.argumentError(call, field, problem)));

  const start = (prepare) => (send) =>
    new Promise((resolve, reject) => {
      Object.assign(send, { resolve, reject });
      try {
        const call = prepare();
        pending.handOver(send, (id) => call(id, trace.isWanted(send)));
      } catch (error) {
        reject(error);
        if (trace.isWanted(send)) trace.record(send, send.unstarted(trace.reasonOf(error)));
      }
    });

  const readMessage = (message) => {
    if (message === null || typeof message !== 'object') throw argumentError('sendText', 'message', 'not_an_object');
    let field = 'to';
    try {
      const { to } = message;
      field = 'text';
      const { text } = message;
      return { to, text };
    } catch {
      throw argumentError('sendText', field, 'threw');
    }
  };

  const sendText = async (message, account, options) => {
    const where = optionsHandle(options);
    const prepare = () => {
      const { to, text } = readMessage(message);
      if (typeof to !== 'string') throw argumentError('sendText', 'to', 'not_a_string');
      if (typeof text !== 'string') throw argumentError('sendText', 'text', 'not_a_string');
      const handle = guard.prepareAccount(account, 'sendText');
      return (id, isTraced) => native.sendText(handle, where, id, isTraced, to, text);
    };
    const unstarted = (reason) => ({ outcome: 'not_sent', reason });
    return trace.start({ unstarted }, start(prepare));
  };

  const ask = (call, account, options, messageId = () => '') => {
    const where = optionsHandle(options);
    const prepare = () => {
      const about = messageId();
      const handle = guard.prepareAccount(account, call);
      return (id, isTraced) => native.ask(handle, where, id, isTraced, call, about);
    };
    const unstarted = (reason) => ({ call, outcome: 'unanswered', reason });
    return trace.start({ isQuestion: true, unstarted }, start(prepare));
  };

  // A number that JavaScript cannot hold exactly is a string or a bigint.
  const readId = (id) => {
    const isExact = Number.isSafeInteger(id) || (typeof id === 'bigint' && BigInt.asUintN(64, id) === id);
    if (isExact || typeof id === 'string') return `${id}`;
    throw argumentError('getStatus', 'id', 'not_an_id');
  };

  return {
    sendText,
    getStatus: async (id, account, options) => ask('getStatus', account, options, () => readId(id)),
    getBalance: async (account, options) => ask('getBalance', account, options),
    listSenderNames: async (account, options) => ask('listSenderNames', account, options),
  };
});
