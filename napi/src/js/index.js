// Puts the JavaScript half together. Evaluated once per environment, with the host's classes; what it decides is only in
// which order things are read, since getters and proxies can observe it. In parentheses, as the other files, so that V8 compiles
// at once what is on the path of every message.
(function (parts, host) {
  'use strict';

  const errors = parts.errors(host);
  const trace = parts.trace();
  const { hrtime } = process;
  const time = { hrtime, ...process.getBuiltinModule('node:timers'), ...host };
  const pending = parts.pending(errors, trace, time);
  return {
    hostSettings: parts.trust,
    settle: pending.settle,
    join(native, metadataJson, totalMs) {
      const metadata = JSON.parse(metadataJson);
      const guard = parts.guard(errors, native);
      const options = parts.options(native);
      const shared = { errors, trace, pending, guard, options, native, metadata, totalMs, time };
      return { ...parts.connector(shared), ...parts.plain(shared) };
    },
  };
});
