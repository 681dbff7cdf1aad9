// The embedded gateway of the package under test.

import { inPackage } from './package.mjs';

export const kit = await import(inPackage('testing', 'index.js'));
export const { certificate, faults, startGateway } = kit;
