/**
 * Checks names that every JavaScript object has, such as `constructor`, in the places where an operator, a client, a
 * provider or an MCP server chooses a name.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { expandVariables } from '../../src/config/environment.ts';
import { renamedTo } from '../../src/config/renamed-keys.ts';
import { withPolicy } from '../../src/conversation/actors/load-context.ts';
import { loadServers } from '../../src/mcp/config/servers-config.ts';
import { openCredentials } from '../../src/mcp/oauth/credentials.ts';
import { startParley } from '../support/parley.ts';

const names = ['constructor', 'toString', 'hasOwnProperty', 'valueOf'];

function fileWith(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'parley-names-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'servers.json');
  writeFileSync(file, text);
  return file;
}

describe('a server or tool with the name of an inherited property', () => {
  for (const name of names) {
    it(`gets the permission of its annotations: ${name}`, () => {
      const tool = {
        name,
        server: name,
        toolName: name,
        title: null,
        description: '',
        inputSchema: {},
        definition: '',
        idempotent: false,
        effect: 'destructive',
        annotations: {},
        blockPermission: null,
        timeoutMs: null,
      } as const;
      const { permission, idempotent } = withPolicy(tool, {
        repeat: {},
        permission: {},
        permissionByHint: { read_only: 'ask', additive: 'ask', destructive: 'ask' },
      });
      assert.deepEqual([permission, idempotent], ['ask', false]);
    });

    it(`has no credentials before it got some: ${name}`, (t) => {
      const file = fileWith(t, '{"version":1,"servers":{}}');
      assert.deepEqual(openCredentials(file).of(name, 'https://one.example/').get(), { url: 'https://one.example/' });
    });

    it(`needs a variable that is set: ${name}`, (t) => {
      const file = fileWith(t, JSON.stringify({ mcpServers: { one: { command: 'x', env: { A: `\${${name}}` } } } }));
      assert.throws(() => loadServers(file, {}), { code: 'config_invalid', message: /is not set/ });
      assert.equal(expandVariables(`\${${name}}`, {}).problems.length, 1);
      assert.equal(renamedTo([name]), null);
    });
  }
});

describe('the name __proto__', () => {
  it('is refused in the list of MCP servers', (t) => {
    for (const text of [
      '{"mcpServers":{"__proto__":{"command":"x"}}}',
      '{"mcpServers":{"one":{"command":"x","env":{"__proto__":"y"}}}}',
    ])
      assert.throws(() => loadServers(fileWith(t, text), {}), { code: 'config_invalid', message: /reserved/ });
  });

  it('is refused in a request, and other names of properties are stored', async (t) => {
    const parley = await startParley(t);
    const client = await parley.connect();
    client.socket.send(
      '{"action":"chat","request_id":"r1","payload":{"text":"Hi","metadata":{"a":[{"__proto__":{"b":1}}]}}}',
    );
    const { error } = await client.waitFor(({ request_id }) => request_id === 'r1');
    assert.deepEqual([error?.code, error?.data['path']], ['invalid_request', 'payload.metadata.a.0.__proto__']);
    const metadata = Object.fromEntries(names.map((name) => [name, 1]));
    await client.chat('Hi', { conversation_id: 'constructor', metadata });
    const { result } = await client.ask('history', { conversation_id: 'constructor' });
    assert.ok(JSON.stringify(result).includes(JSON.stringify(metadata)));
  });
});
