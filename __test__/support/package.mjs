// The package under test: the checkout, or the folder that CONNECTOR_UNDER_TEST names, such as an unpacked tarball.

import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
export const PACKAGE = path.resolve(process.env.CONNECTOR_UNDER_TEST ?? CHECKOUT);
export const isCheckout = process.env.CONNECTOR_UNDER_TEST === undefined;

/** A file of the package, as `import` wants it. */
export const inPackage = (...parts) => pathToFileURL(path.join(PACKAGE, ...parts)).href;

export const entry = await import(inPackage('lib', 'index.js'));
export const { createConnector, getBalance, getStatus, listSenderNames, sendMessage, sendText } = entry;
export default entry.default;
