// The command that starts the Node under test. Under a loader of its own `process.execPath` is that loader.

const { NODE_UNDER_TEST } = process.env;

export const NODE = NODE_UNDER_TEST ? JSON.parse(NODE_UNDER_TEST) : [process.execPath];
