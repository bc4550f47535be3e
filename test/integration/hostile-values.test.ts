/** Checks values of clients and providers that are legal but extreme: another protocol, deep arguments, huge counts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readUsage } from '../../src/llm/stream/usage.ts';
import { sendLines } from '../gateway/raw-request.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer, startParley, startScripted } from '../support/parley.ts';

describe('a request that offers another protocol', () => {
  it('is answered as without the offer', async (t) => {
    const { url } = await startParley(t);
    const { status, body } = await sendLines(url, [
      'GET /ready HTTP/1.1',
      'Host: localhost',
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
    ]);
    assert.deepEqual([status, body.includes('ready')], [200, true]);
  });
});

describe('deep arguments of a tool call', () => {
  const deep = (levels: number) => `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`;
  it('are an error for the model, and the conversation goes on', async (t) => {
    const { client, model } = await startScripted(t, { mcpServers: demoServer });
    for (const [levels, dialect] of [
      [200_000, 'whole'],
      [20_000, 'split'],
    ] as const) {
      const calls = [{ name: 'add', arguments: deep(levels) }];
      model.script(asks(calls, { dialect }), says('Sorry.'), says('Hello.'));
      const turn = await client.chat('Add', { conversation_id: dialect });
      assert.deepEqual([turn.end.status, turn.text], ['complete', 'Sorry.']);
      assert.equal((await client.chat('Hi', { conversation_id: dialect })).text, 'Hello.');
    }
  });
});

describe('a token count that is no count', () => {
  it('counts as 0', () => {
    for (const count of [1e308, Infinity, -1, 1e13]) {
      const usage = readUsage({ prompt_tokens: count, completion_tokens: 2, total_tokens: count });
      assert.deepEqual([usage?.prompt_tokens, usage?.total_tokens], [0, 2]);
    }
  });
});
