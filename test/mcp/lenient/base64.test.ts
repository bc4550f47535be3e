/** Tests the forms of binary content that are read. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readBase64 } from '../../../src/mcp/lenient/base64.ts';

describe('binary content', () => {
  for (const [what, value, data, mimeType] of [
    ['base64', 'AAEC', 'AAEC', null],
    ['base64 with padding', 'AA==', 'AA==', null],
    ['base64 without padding', 'AA', 'AA==', null],
    ['base64url', '-_8', '+/8=', null],
    ['base64 with line breaks', 'AA\r\nEC\n', 'AAEC', null],
    ['a data: URL', 'data:image/png;base64,AAEC', 'AAEC', 'image/png'],
    ['a data: URL with parameters', 'data:image/png;charset=x;base64,AAEC', 'AAEC', 'image/png'],
    ['a data: URL with encoded padding', 'data:;base64,AA%3D%3D', 'AA==', null],
    ['a data: URL with plain text', 'data:image/svg+xml,%3Csvg/%3E', 'PHN2Zy8+', 'image/svg+xml'],
    ['an empty value', '', '', null],
  ] as const) {
    it(`is read as ${what}`, () => assert.deepEqual(readBase64(value), { data, mimeType }));
  }

  for (const value of [
    null,
    undefined,
    7,
    [0, 1],
    'A',
    'AAAAA',
    'not base64!',
    'data:image/png;base64,?',
    'data:,%E0%A4%A',
  ]) {
    it(`is not read as ${JSON.stringify(value)}`, () => assert.equal(readBase64(value), null));
  }
});
