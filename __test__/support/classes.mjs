// Whether an error is of the classes that Logto asks for: the host's own where the package finds them. Where it stands
// alone, their shape is all that there is.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

import * as host from '@logto/connector-kit';
import * as zod from 'zod';

import { inPackage } from './package.mjs';

const above = createRequire(inPackage('lib', 'index.js')).resolve.paths('zod');
export const standsAlone = !above.some((folder) => existsSync(path.join(folder, 'zod')));

// By the name of the class, which the kit's errors do not have as their own.
const isNamed = (thing, name) => thing instanceof Error && thing.constructor.name === name;

export function isConnectorError(thing) {
  if (!standsAlone) return thing instanceof host.ConnectorError;
  return isNamed(thing, 'ConnectorError') && typeof thing.code === 'string';
}

export function isZodError(thing) {
  if (!standsAlone) return thing instanceof zod.ZodError;
  return isNamed(thing, 'ZodError') && Array.isArray(thing.issues);
}

/** The class of the official connector's error; one of the same name, where the package stands alone. */
export function assertSameClass(own, theirs) {
  if (standsAlone) assert.equal(own.constructor.name, theirs.constructor.name);
  else assert.equal(own.constructor, theirs.constructor);
}
