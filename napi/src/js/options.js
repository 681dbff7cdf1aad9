// Reads where and how patiently to send, and keeps the handle that native code gives for it.
(function (native) {
  'use strict';

  const { isArray } = Array;

  // Options as a rule are none, or the same again.
  let lastOptions = {};
  return (options) => {
    const gateways = options?.gateways ?? (process.env.SMSAERO_GATEWAYS || undefined);
    const milliseconds = (value) => (typeof value === 'number' ? value : Number.NaN);
    // A value that is not an address is refused in the words for an entry that is none.
    const address = (entry) => (typeof entry === 'string' ? entry : typeof entry);
    const addresses = isArray(gateways) ? gateways.map(address).join(',') : address(gateways);
    const list = gateways === undefined ? undefined : addresses;
    const [total, connect] = [options?.timeoutMs, options?.connectTimeoutMs].map((value) =>
      value === undefined || value === null ? undefined : milliseconds(value),
    );
    const { list: lastList, total: lastTotal, connect: lastConnect } = lastOptions;
    if (lastOptions.handle && list === lastList && total === lastTotal && connect === lastConnect)
      return lastOptions.handle;
    const handle = native.options(list, total, connect);
    lastOptions = { list, total, connect, handle };
    return handle;
  };
});
