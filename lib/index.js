import binding from './binding.js';

// Logto's own classes, where there is a Logto: its Console asks `instanceof`. A test harness may have neither package.
const host = async (name) => {
  try {
    return await import(name);
  } catch (error) {
    if (error?.code === 'ERR_MODULE_NOT_FOUND') return {};
    throw error;
  }
};

const { ConnectorError } = await host('@logto/connector-kit');
const { ZodError } = await host('zod');

const { createConnector, sendMessage } = binding.open({ ConnectorError, ZodError });

export { createConnector as default, createConnector, sendMessage };
