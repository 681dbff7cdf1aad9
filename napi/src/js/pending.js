// The sends that are not settled yet, by number. They, and nothing else, keep the process alive.
// Arrays are read by index on the path of a message: an iterator is several times the bytecode, optimized with each caller.
(function (errors, trace, time) {
  'use strict';

  const { hrtime, setInterval } = time;
  const { parse } = JSON;
  const { then } = Promise.prototype;
  const resolved = Promise.resolve();
  // By number, which is free again once a send is settled: native code settles each exactly once. Not a map, whose outgrown
  // tables keep what was in them alive, and the collector busy.
  const sends = [];
  const free = [];
  // Not made with the first send, whose asynchronous context it would keep.
  const alive = setInterval(() => {}, 0x7fffffff);
  alive.unref();

  // Microseconds since some moment, whatever is done to the system's clock.
  const clock = function () {
    const now = hrtime();
    return now[0] * 1e6 + now[1] / 1e3;
  };

  const add = function (send) {
    if (free.length === sends.length) alive.ref();
    const id = free.pop() ?? sends.length;
    sends[id] = send;
    return id;
  };

  const remove = function (id) {
    const send = sends[id];
    sends[id] = undefined;
    free.push(id);
    if (free.length === sends.length) alive.unref();
    return send;
  };

  // Rejects a send that native code will not settle.
  const fail = (send, error, configFailed) => {
    if (send.id !== undefined) remove(send.id);
    send.reject(error);
    if (!trace.isWanted(send)) return;
    trace.record(send, { outcome: 'not_sent', reason: trace.reasonOf(error), configFailed });
  };

  // Hands a call to native code by its number, or throws the error for which it could not be.
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

  // A batch of so many characters does not wait for more.
  const FULL = 2 ** 20;

  // Sends that begin together cross to native code together, and wake its thread once. Each is in `text` as native code reads
  // it. They wait for no more than what is about to run anyway.
  let batch;
  const queue = function (id, prepared, options, text, sendAll) {
    const isOther = batch !== undefined && (batch.prepared !== prepared || batch.options !== options);
    if (isOther || batch?.text.length > FULL) flush();
    if (batch !== undefined) {
      batch.ids.push(id);
      batch.text += text;
      return;
    }
    batch = { ids: [id], prepared, options, text, sendAll, since: clock() };
    Reflect.apply(then, resolved, [flush]);
  };

  const flush = function () {
    if (batch === undefined) return;
    const { ids, prepared, options, text, sendAll, since } = batch;
    batch = undefined;
    try {
      sendAll(prepared, options, clock() - since, text);
    } catch (error) {
      for (const id of ids) fail(sends[id], error);
    }
  };

  const settleOne = function (id, isAccepted, outcome, details) {
    if (sends[id] === undefined) return;
    const send = remove(id);
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
  const settle = function (batch) {
    if (!batch) return;
    const completions = parse(batch);
    for (let index = 0; index < completions.length; index += 1) {
      const one = completions[index];
      settleOne(one[0], one[1], one[2], one[3]);
    }
  };

  return { add, clock, fail, handOver, queue, settle, sends };
});
