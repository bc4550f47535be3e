/** Checks empty answers in the whole server: the second request, what followers see, the usage, and a restart. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { delta, done, finish, says, scriptedUsage, streams, usage } from '../support/model/replies.ts';
import { callParts } from '../support/model/tool-calls.ts';
import { demoServer, startScripted } from '../support/parley.ts';

const reasons = () =>
  streams(delta({ role: 'assistant', content: '', reasoning_content: 'Hm.' }), finish('stop'), usage(), done());
const chat = { conversation_id: 'c1' };

describe('an empty answer', () => {
  test('leads to the same request again, and a usual answer completes the turn', async (t) => {
    const { client, model } = await startScripted(t);
    model.script(reasons(), says('Hello.'), says('Once more.'));
    const turn = await client.chat('Hi', chat);
    assert.deepEqual([turn.end.status, turn.text], ['complete', 'Hello.']);
    assert.equal(turn.frames.filter(({ chunk }) => chunk?.['kind'] === 'retrying').length, 1);
    assert.deepEqual(model.requests[1]?.body.messages, model.requests[0]?.body.messages);
    assert.equal(turn.end.metadata?.['tokens'], 2 * scriptedUsage.total_tokens);
    // The model does not see the empty answer in later turns.
    await client.chat('And?', chat);
    assert.deepEqual(
      model.requests
        .at(-1)
        ?.body.messages.slice(-3)
        .map(({ content }) => content),
      ['Hi', 'Hello.', 'And?'],
    );
  });

  test('that comes twice ends the turn as provider_empty, and the conversation goes on', async (t) => {
    const { client, model } = await startScripted(t);
    model.script(reasons(), says(' \n'), says('Here I am.'));
    const { end } = await client.chat('Hi', chat);
    assert.equal(end.error?.code, 'provider_empty');
    assert.equal(end.metadata?.['tokens'], 2 * scriptedUsage.total_tokens);
    assert.equal((await client.chat('Hello?', chat)).text, 'Here I am.');
    assert.equal(model.requests.length, 3);
  });

  test('after tool results is asked for again', async (t) => {
    const { client, model } = await startScripted(t, { mcpServers: demoServer });
    model.script(
      streams(callParts([{ name: 'add', arguments: { a: 1, b: 2 } }], 'split'), finish('tool_calls'), usage(), done()),
      says(''),
      says('Three.'),
    );
    const turn = await client.chat('1 + 2?', chat);
    assert.deepEqual([turn.end.status, turn.text], ['complete', 'Three.']);
    assert.equal(model.requests.at(-1)?.body.messages.at(-1)?.role, 'tool');
  });

  test('that was stored before a restart counts after it', async (t) => {
    const { client, model, parley } = await startScripted(t);
    model.script(reasons(), streams({ play: 'stall' }), reasons());
    client.send('chat', { text: 'Hi', ...chat }, 'r1');
    await model.request(2);
    await parley.restart();
    await model.request(3);
    const again = await parley.connect();
    again.send('chat', { text: 'Hi', ...chat }, 'r1');
    const { end } = await again.turn('r1');
    assert.equal(end.error?.code, 'provider_empty');
    assert.equal(model.requests.length, 3);
  });
});
