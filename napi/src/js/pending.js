// The sends that are not settled yet, by number. They, and nothing else, keep the process alive.
(function (errors, trace) {
  'use strict';

  const { parse } = JSON;
  const { setInterval } = process.getBuiltinModule('node:timers');
  const sends = new Map();
  let lastId = 0;
  let alive;

  const add = (send) => {
    if (sends.size === 0) {
      alive ??= setInterval(() => {}, 0x7fffffff);
      alive.ref();
    }
    lastId = (lastId + 1) >>> 0;
    sends.set(lastId, send);
    return lastId;
  };

  const remove = (id) => {
    const send = sends.get(id);
    sends.delete(id);
    if (sends.size === 0) alive?.unref();
    return send;
  };

  // Hands a send to native code by its number, or throws the error for which it could not be.
  const handOver = (send, call) => {
    const id = add(send);
    let refusal;
    try {
      refusal = call(id);
    } catch (thrown) {
      remove(id);
      throw thrown;
    }
    if (!refusal) return;
    remove(id);
    throw errors.connectorError(parse(refusal));
  };

  const settleOne = ([id, isAccepted, outcome, details]) => {
    const send = remove(id);
    if (!send) return;
    try {
      if (isAccepted) send.resolve(outcome);
      else send.reject(errors.connectorError(outcome));
    } catch (error) {
      // The host's own class threw.
      send.reject(error);
    }
    if (details) trace.record(send, details);
  };

  // Takes a batch of outcomes from the worker thread.
  const settle = (batch) => {
    if (!batch) return;
    for (const completion of parse(batch)) settleOne(completion);
  };

  return { handOver, settle };
});
