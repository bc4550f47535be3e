/** Tests the positions in a JSON text. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { scanJson } from '../../src/mcp/config/json-positions.ts';

const parses = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

test('the scanner finds a syntax error exactly where JSON.parse does', () => {
  const property = fc.property(
    fc.json(),
    fc.nat(),
    fc.constantFrom('', ',', '}', ']', '"', '\\', '\n', 'x', '0', ':'),
    (json, at, wedge) => {
      const index = at % (json.length + 1);
      const text = json.slice(0, index) + wedge + json.slice(index + (wedge === '' ? 1 : 0));
      assert.equal(scanJson(text).syntaxProblem === null, parses(text), text);
    },
  );
  fc.assert(property, { seed: 1, numRuns: 2_000 });
});

test('the scanner finds every value, and the parent of a missing one', () => {
  const places = scanJson('{\n  "a": [1,\n    {"b": "x"}]\n}');
  assert.deepEqual(places.of(['a', 0]), { line: 2, column: 9 });
  assert.deepEqual(places.of(['a', 1, 'b']), { line: 3, column: 11 });
  assert.deepEqual(places.of(['a', 1, 'missing']), { line: 3, column: 5 });
  assert.deepEqual(places.of([]), { line: 1, column: 1 });
});
