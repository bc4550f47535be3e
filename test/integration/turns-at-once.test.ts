/** As many turns as may be at once: the others stand in line, and nobody is starved, stuck or forgotten. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readMetrics } from '../support/metrics.ts';
import { hangs, says, saysStepwise } from '../support/model-replies.ts';
import { asks } from '../support/model-tool-calls.ts';
import { demoServer, startScripted } from '../support/parley.ts';
import { eventually } from '../support/server-process.ts';

const oneAtOnce = (service: object = {}) => ({ config: { chat: { service: { max_running_turns: 1, ...service } } } });

describe('where one turn may be at work', () => {
  test('a conversation with a long queue lets another one in between', async (t) => {
    const { model, client } = await startScripted(t, oneAtOnce());
    const slow = saysStepwise('slowly');
    model.script(slow.reply);
    for (let index = 1; index <= 4; index += 1) client.send('chat', { text: `noisy ${index}`, conversation_id: 'noisy' }, `n${index}`);
    await model.request(1);
    client.send('chat', { text: 'quiet', conversation_id: 'quiet' }, 'q');
    const notice = await client.waitFor((frame) => frame.request_id === 'q' && frame.chunk?.type === 'notice');
    assert.deepEqual([notice.chunk?.['kind'], notice.chunk?.['position']], ['queued_for_turn', 1]);
    slow.release();
    await client.turn('n4');
    const asked = model.requests.map(({ body }) => body.messages.at(-1)).map((message) => String(message && 'content' in message ? message.content : ''));
    assert.deepEqual(asked, ['noisy 1', 'quiet', 'noisy 2', 'noisy 3', 'noisy 4']);
  });

  test('a turn in line can be stopped, and its place goes to the next', async (t) => {
    const { model, client, parley } = await startScripted(t, oneAtOnce());
    model.script(hangs(), says('Mine.'));
    for (const id of ['c1', 'c2', 'c3']) client.send('chat', { text: 'Hi', conversation_id: id }, id);
    await eventually(async () => (await readMetrics(parley.url)).get('parley_turns_in_line') === 2, 'two in line');
    await client.ask('cancel', { conversation_id: 'c2' });
    assert.equal((await client.turn('c2')).end.metadata?.['finish_reason'], 'cancelled');
    await client.ask('cancel', { conversation_id: 'c1' });
    assert.equal((await client.turn('c3')).text, 'Mine.');
  });

  test('one that waits for a person leaves its place, and stands in line again with the answer', async (t) => {
    const { model, client } = await startScripted(t, { mcpServers: demoServer, ...oneAtOnce({ tools: { permission: { 'demo.add': 'ask' } } }) });
    const slow = saysStepwise('slowly');
    model.script(asks([{ name: 'add', arguments: { a: 2, b: 3 } }]), slow.reply, says('Five.'));
    client.send('chat', { text: 'Add', conversation_id: 'c1' }, 'r1');
    const question = await client.waitFor((frame) => frame.chunk?.type === 'approval_request');
    client.send('chat', { text: 'Hi', conversation_id: 'c2' }, 'r2');
    await model.request(2);
    await client.ask('respond', { conversation_id: 'c1', interrupt_id: question.chunk?.['interrupt_id'], decision: 'approve' });
    await client.waitFor((frame) => frame.request_id === 'r1' && frame.chunk?.['kind'] === 'queued_for_turn');
    slow.release();
    assert.equal((await client.turn('r1')).text, 'Five.');
  });

  test('a turn in line is not lost by a restart', async (t) => {
    const { model, client, parley } = await startScripted(t, oneAtOnce());
    model.script(hangs(), says('After all.'), says('After all.'));
    client.send('chat', { text: 'Hi', conversation_id: 'c1' }, 'r1');
    await model.request(1);
    client.send('chat', { text: 'Hi', conversation_id: 'c2' }, 'r2');
    await client.waitFor((frame) => frame.request_id === 'r2' && frame.chunk?.type === 'notice');
    await parley.restart();
    const back = await parley.connect();
    assert.equal((await back.chat('Hi', { conversation_id: 'c2' }, 'r2')).text, 'After all.');
  });
});
