// The classes of the connector's errors: the host's own where the package finds them. Where it stands alone, `instanceof`
// asks for their shape, which is then all that there is.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

import * as host from '@logto/connector-kit';
import * as zod from 'zod';

import { inPackage } from './package.mjs';

const above = createRequire(inPackage('lib', 'index.js')).resolve.paths('zod');
export const standsAlone = !above.some((folder) => existsSync(path.join(folder, 'zod')));

class ConnectorErrorShape extends host.ConnectorError {
  static [Symbol.hasInstance](thing) {
    return isError(thing, 'ConnectorError') && typeof thing.code === 'string';
  }
}

class ZodErrorShape extends zod.ZodError {
  static [Symbol.hasInstance](thing) {
    return isError(thing, 'ZodError') && Array.isArray(thing.issues);
  }
}

// By the name of the class, which the kit's errors do not have as their own.
function isError(thing, name) {
  return thing instanceof Error && thing.constructor.name === name;
}

/** The class of the official connector's error; one of the same name, where the package stands alone. */
export function assertSameClass(own, theirs) {
  if (standsAlone) assert.equal(own.constructor.name, theirs.constructor.name);
  else assert.equal(own.constructor, theirs.constructor);
}

export const ConnectorError = standsAlone ? ConnectorErrorShape : host.ConnectorError;
export const ZodError = standsAlone ? ZodErrorShape : zod.ZodError;
