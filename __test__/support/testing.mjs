// The embedded gateway of the package under test.

import { inPackage } from './package.mjs';

export const kit = await import(inPackage('testing', 'index.js'));
export const { account, certificate, faults, startGateway } = kit;
