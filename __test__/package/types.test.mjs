import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';

const root = fileURLToPath(new URL('../..', import.meta.url));
const ACCEPTED = path.join(root, '__test__/package/types/accepted.ts');
const REFUSED = path.join(root, '__test__/package/types/refused.ts');

/** A program in which the kit's name leads to this kit. */
function compile(files, kit, changes = {}) {
  return ts.createProgram(files, {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    paths: { '@logto/connector-kit': [path.join(root, 'node_modules', kit, 'lib/index.d.ts')] },
    ...changes,
  });
}

const plain = ({ file, start, messageText }) => ({
  line: file ? file.getLineAndCharacterOfPosition(start).line + 1 : 0,
  text: ts.flattenDiagnosticMessageText(messageText, ' '),
});

describe('types', () => {
  for (const kit of ['kit-4.7', 'kit-5.1.1']) {
    test(`tsc accepts createConnector as CreateConnector<SmsConnector> of ${kit}`, () => {
      const program = compile([ACCEPTED], kit);
      const kits = program.getSourceFiles().map(({ fileName }) => path.normalize(fileName));
      assert.ok(kits.some((name) => name.includes(path.join('node_modules', kit))));
      assert.deepEqual(ts.getPreEmitDiagnostics(program).map(plain), []);
    });
  }

  test('tsc refuses what is misspelt, missing or of the wrong type', async () => {
    const lines = (await readFile(REFUSED, 'utf8')).split('\n');
    const expected = lines.flatMap((line, index) => (line.endsWith('// refused') ? [index + 1] : []));
    const found = ts.getPreEmitDiagnostics(compile([REFUSED], 'kit-5.1.1')).map(plain);
    assert.deepEqual([...new Set(found.map(({ line }) => line))], expected, JSON.stringify(found));
    assert.match(found[0].text, /'apikey' does not exist in type 'SmsAeroConfig'/);
  });

  test('our own typings have no errors', () => {
    const own = ['index.d.ts', 'testing/index.d.ts'].map((name) => path.join(root, name));
    const program = compile(own, 'kit-5.1.1', { skipLibCheck: false, types: ['node'] });
    for (const name of own) {
      const file = program.getSourceFile(name);
      assert.deepEqual(program.getSyntacticDiagnostics(file).map(plain), []);
      assert.deepEqual(program.getSemanticDiagnostics(file).map(plain), []);
    }
  });
});
