// The public record of a send, and of a question: the channels `connector-smsaero:send` and `connector-smsaero:ask`, and
// NODE_DEBUG=smsaero. Nothing here may keep a promise
// from being settled: subscribers are somebody else's code.
(function () {
  'use strict';

  const { tracingChannel } = process.getBuiltinModule('node:diagnostics_channel');
  const { debuglog, format } = process.getBuiltinModule('node:util');
  const sends = tracingChannel('connector-smsaero:send');
  const questions = tracingChannel('connector-smsaero:ask');
  const log = debuglog('smsaero');
  const isLogged = log.enabled === true;

  const questionLine = ({ call, gateway, totalMs, outcome, reason, httpStatus }) => {
    const details = [reason, httpStatus && `HTTP ${httpStatus}`].filter(Boolean).join(', ');
    const head = `${call}: ${outcome}${details && ` (${details})`}`;
    return gateway ? format('%s by %s in %d ms', head, gateway, totalMs) : head;
  };

  const line = ({ configMs, number, usageType, gateway, totalMs, outcome, ...trace }) => {
    const { reason, httpStatus, id, status, cost, parts, alphabet, confirmedBy, configFailed } = trace;
    const details = [
      reason,
      httpStatus && `HTTP ${httpStatus}`,
      id && `id ${id}, status ${status}, cost ${cost}`,
      confirmedBy === 'list' && 'confirmed by the list of messages',
      configFailed && 'getConfig failed',
    ];
    const head = `${outcome} (${details.filter(Boolean).join(', ')})`;
    const config = configMs === undefined ? '' : `, getConfig took ${format('%d', configMs)} ms`;
    // A message that was not composed has no number yet.
    if (number === undefined) return `${head}${config}`;
    return format(
      '%s to %s: %s by %s in %d ms, %d x %s%s',
      ...[usageType ?? 'text', number, head, gateway, totalMs, parts, alphabet, config],
    );
  };

  // What was thrown may be anything, and throw again when it is looked at.
  const reasonOf = (error) => {
    try {
      const reason = error?.data?.reason ?? error?.code;
      return typeof reason === 'string' ? reason : undefined;
    } catch {
      return undefined;
    }
  };

  const isWanted = function (send) {
    return isLogged || send.context !== undefined;
  };

  // Starts a send whose start and end the subscribers hear of, where there are any. Its promise is the send's own: what a
  // subscriber does to the context, even freezing it, is of no consequence to whoever waits.
  const start = function (send, begin) {
    const channel = send.isQuestion ? questions : sends;
    if (!channel.hasSubscribers) return begin(send);
    const context = {};
    send.context = context;
    let promise;
    try {
      const traced = () => {
        promise = begin(send);
        return promise;
      };
      channel.tracePromise(traced, context).catch(() => {});
    } catch {
      // The send has a promise, or is started without its trace.
    }
    return promise ?? begin(send);
  };

  // Adds what became of a send, after its promise was settled and before anybody can have heard of it.
  const record = ({ context, configMs, isQuestion }, trace) => {
    try {
      const whole = configMs === undefined ? trace : { ...trace, configMs };
      if (isLogged) log(isQuestion ? questionLine(whole) : line(whole));
      if (context) {
        const { configFailed, ...known } = whole;
        Object.assign(context, known);
      }
    } catch {
      // Frozen contexts and broken streams are their owner's.
    }
  };

  return { reasonOf, isWanted, start, record };
});
