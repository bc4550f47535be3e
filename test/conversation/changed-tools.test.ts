/** Checks that a tool that a call has switched on is offered in the next request of the same turn, and can be called. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startPagedServer } from '../support/mcp-http-server.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { toolResultsIn } from '../support/interrupts.ts';
import { readAll, startTyped } from '../support/typed-client.ts';

const switching = (env: Record<string, string> = {}) => ({
  switching: { command: 'node', args: [join(import.meta.dirname, '../support/mcp-switching-server.ts')], env },
});
const namesIn = (request: { body: { tools?: unknown } } | undefined) => JSON.stringify(request?.body.tools ?? []);

describe('the request after a tool result', () => {
  for (const [what, env] of Object.entries({
    'at once': {},
    'after a while': { TEST_LIST_MS: '300' },
    'by a server that does not declare that its list changes': { TEST_UNDECLARED: '1' },
  })) {
    it(`offers the tool that the call has switched on, listed ${what}, and the model can call it`, async (t) => {
      const { model, client } = await startTyped(t, { mcpServers: switching(env) });
      model.script(asks([{ name: 'switch_on' }]), asks([{ name: 'switched_on' }]), says('Done.'));

      const results = toolResultsIn(await readAll(client.chat('go')));

      assert.ok(!namesIn(model.requests[0]).includes('switched_on'));
      assert.ok(namesIn(model.requests[1]).includes('switched_on'), namesIn(model.requests[1]));
      assert.deepEqual(
        results.map(({ data }) => data),
        ['You can now call switched_on.', 'It was on.'],
      );
    });
  }

  it('follows without the new list if that does not arrive within mcp.connection.list_wait', async (t) => {
    const { model, client } = await startTyped(t, {
      mcpServers: switching({ TEST_LOST_LIST: '1' }),
      config: { mcp: { connection: { list_wait: 0.2 } } },
    });
    model.script(asks([{ name: 'switch_on' }]), says('Done.'));

    const [result] = toolResultsIn(await readAll(client.chat('go')));

    assert.equal(result?.data, 'You can now call switched_on.');
    assert.ok(!namesIn(model.requests[1]).includes('switched_on'));
  });

  it('follows a cancelled turn without the list', async (t) => {
    const { model, client } = await startTyped(t, { mcpServers: switching({ TEST_LOST_LIST: '1' }) });
    model.script(asks([{ name: 'switch_on' }]), says('Done.'));
    const turn = client.chat('go', { conversationId: 'c1' });
    for await (const chunk of turn) if (chunk.type === 'tool_call') await client.cancel('c1');
    assert.equal((await turn.end).metadata.finish_reason, 'cancelled');
  });

  for (const revision of ['2025-03-26', '2025-11-25', '2026-07-28']) {
    it(`offers it too over HTTP at ${revision}, where the notification has its own stream`, async (t) => {
      const server = await startPagedServer(revision);
      t.after(server.stop);
      const { model, client } = await startTyped(t, { mcpServers: { web: { url: server.url } } });
      model.script(asks([{ name: 'grow' }]), asks([{ name: 'grown0' }]), says('Done.'));

      const results = toolResultsIn(await readAll(client.chat('go')));

      assert.ok(namesIn(model.requests[1]).includes('grown0'), namesIn(model.requests[1]));
      assert.equal(results[1]?.data, 'grown0');
    });
  }
});
