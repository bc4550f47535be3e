/** The page about MCP: its tables are those that the tests play, and every key of a server's block is told of. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockKeys } from '../../src/mcp/config/servers-config.ts';
import { mcpPage } from './mcp.ts';

const { stands, text } = await mcpPage();

test('docs/reference/mcp.md shows what the tests play (else: node test/docs/mcp.ts)', () => assert.equal(stands, text));

test("every key of a server's block is told of", () => {
  assert.deepEqual(
    blockKeys.filter((key) => !stands.includes(`\`${key}\``)),
    [],
  );
});
