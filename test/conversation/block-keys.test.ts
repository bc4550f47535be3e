/** Checks that the keys of a server's block decide about approval and time of the calls of its tools. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { toolResultsIn } from '../support/interrupts.ts';
import { misbehavingServer } from '../support/parley.ts';
import { readAll, startTyped } from '../support/typed-client.ts';

const withKeys = (keys: object) => ({ odd: { ...misbehavingServer().odd, ...keys } });

describe('the block of a server', () => {
  it('has a call that may take longer than the others', async (t) => {
    const { model, client } = await startTyped(t, {
      mcpServers: withKeys({ tool_timeout_sec: 60 }),
      config: { chat: { service: { tools: { timeout: 0.1 } } } },
    });
    model.script(asks([{ name: 'slow', arguments: { ms: 500 } }]), says('Done.'));
    assert.equal(toolResultsIn(await readAll(client.chat('go')))[0]?.data, 'done');
  });

  it('gives a single tool its time: by its name, or by the first pattern', async (t) => {
    const { model, client } = await startTyped(t, {
      mcpServers: withKeys({ tool_timeout: 0.1, tool_timeouts: { '*lo*': 0.1, 's*': 0.1, slow: 60 } }),
    });
    model.script(asks([{ name: 'slow', arguments: { ms: 500 } }]), asks([{ name: 'hang' }]), says('Done.'));
    assert.deepEqual(
      toolResultsIn(await readAll(client.chat('go'))).map(({ name, status }) => [name, status]),
      [
        ['slow', 'ok'],
        ['hang', 'timed_out'],
      ],
    );
  });

  it('has a call of a tool that it does not approve wait for a person', async (t) => {
    const { model, client } = await startTyped(t, { mcpServers: withKeys({ alwaysAllow: ['count'] }) });
    model.script(asks([{ name: 'count' }]), asks([{ name: 'fail' }]), says('Done.'));
    const results: unknown[] = [];
    const turn = client.chat('go', { conversationId: 'c1' });
    turn.end.catch(() => undefined);
    for await (const chunk of turn) {
      if (chunk.type === 'tool_result') results.push(chunk.name);
      if (chunk.type !== 'approval_request') continue;
      assert.deepEqual(results, ['count']);
      await client.cancel('c1');
    }
    assert.deepEqual(results.includes('count'), true);
    assert.equal(model.requests.length, 2);
  });
});
