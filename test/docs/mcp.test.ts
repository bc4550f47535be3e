/** Checks the page about MCP: its tables are those that the tests play, and it names every key of a server's block. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockKeys } from '../../src/mcp/config/block-schema.ts';
import { mcpPage } from './mcp.ts';

const { stands, text } = await mcpPage();

test('docs/reference/mcp.md shows what the tests play (else: node test/docs/mcp.ts)', () => assert.equal(stands, text));

test("docs/reference/mcp.md names every key of a server's block", () => {
  assert.deepEqual(
    blockKeys.filter((key) => !stands.includes(`\`${key}\``)),
    [],
  );
});
