/** Subscriptions from the outside: any cursor, any moment, any number of sockets; every row once, then live. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { textOf, type Client, type Received } from '../support/client.ts';
import { says, saysStepwise } from '../support/model-replies.ts';
import { asks } from '../support/model-tool-calls.ts';
import { demoServer, startScripted } from '../support/parley.ts';

const seqs = (client: Client) => client.frames.filter((frame) => frame.status === 'event').map((frame) => frame.seq);
const isEvent = (seq: number) => (frame: Received) => frame.status === 'event' && frame.seq === seq;

describe('a subscription', () => {
  test('brings the whole log first, then every row and chunk live', async (t) => {
    const { model, client, parley } = await startScripted(t, { mcpServers: demoServer });
    await client.chat('one', { conversation_id: 'c1' });
    const watcher = await parley.connect();
    const { result } = await watcher.ask('subscribe', { conversation_id: 'c1' });
    assert.deepEqual(result, { head_seq: 3, oldest_seq: 1, truncated: false, reset: false, state: 'idle', can: ['chat'], active: null });
    await watcher.waitFor(isEvent(3));
    model.script(asks([{ name: 'add', arguments: { a: 1, b: 2 } }]), says('Three.'));
    const turn = await client.chat('two', { conversation_id: 'c1' }, 'r2');
    await watcher.turn('r2');
    assert.deepEqual(seqs(watcher), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const bytes = (frames: readonly Received[]) => frames.filter((frame) => frame.request_id === 'r2' && frame.status !== 'event');
    assert.deepEqual(bytes(watcher.frames), bytes(turn.frames), 'the same frames as the sender');
  });

  test('in the middle of a message brings what is there, then the rest', async (t) => {
    const { model, client, parley } = await startScripted(t);
    const step = saysStepwise('one ', 'two ', 'three');
    model.script(step.reply);
    client.send('chat', { text: 'count', conversation_id: 'c1' }, 'r1');
    step.release(2);
    await client.waitFor(() => textOf(client.frames) === 'one two ');
    const watcher = await parley.connect();
    const { result } = await watcher.ask('subscribe', { conversation_id: 'c1', after_seq: 1 });
    assert.equal(result?.['state'], 'turn.streaming');
    assert.deepEqual(result?.['can'], ['cancel', 'chat']);
    const chunk = client.frames.find((frame) => frame.chunk?.type === 'text')?.chunk;
    assert.deepEqual(result?.['active'], { request_id: 'r1', message_id: chunk?.['message_id'] });
    await watcher.waitFor(() => textOf(watcher.frames) === 'one two ');
    step.release();
    await watcher.turn('r1');
    assert.equal(textOf(watcher.frames), 'one two three');
    assert.deepEqual(seqs(watcher), [2, 3]);
  });

  test('with a cursor in the message brings only the rest of it', async (t) => {
    const { model, client, parley } = await startScripted(t);
    const step = saysStepwise('one ', 'two ');
    model.script(step.reply);
    client.send('chat', { text: 'count', conversation_id: 'c1' }, 'r1');
    step.release(1);
    const { chunk } = await client.waitFor((frame) => frame.chunk?.type === 'text');
    const watcher = await parley.connect();
    await watcher.ask('subscribe', { conversation_id: 'c1', after_seq: 1, message_id: chunk?.['message_id'], offset: 2 });
    await watcher.waitFor(() => textOf(watcher.frames) === 'e ');
    step.release();
    await watcher.turn('r1');
    assert.equal(textOf(watcher.frames), 'e two ');
  });

  test('with a message that is gone is told to forget it', async (t) => {
    const { client } = await startScripted(t);
    await client.chat('one', { conversation_id: 'c1' });
    await client.ask('subscribe', { conversation_id: 'c1', after_seq: 3, message_id: 'gone', offset: 5 });
    const reset = await client.waitFor((frame) => frame.chunk?.type === 'reset');
    assert.equal(reset.chunk?.['message_id'], 'gone');
  });

  test('from beyond the head begins again, and of an unknown conversation finds nothing', async (t) => {
    const { client } = await startScripted(t);
    await client.chat('one', { conversation_id: 'c1' });
    const { result } = await client.ask('subscribe', { conversation_id: 'c1', after_seq: 99 });
    assert.equal(result?.['reset'], true);
    await client.waitFor(isEvent(3));
    assert.deepEqual(seqs(client), [1, 2, 3]);
    assert.equal((await client.ask('subscribe', { conversation_id: 'nobody' })).error?.code, 'not_found');
  });

  test('of a sender is one follower: each frame comes once, also after unsubscribe', async (t) => {
    const { model, client } = await startScripted(t);
    const step = saysStepwise('one ', 'two ', 'three');
    model.script(says('first'), step.reply);
    await client.chat('hello', { conversation_id: 'c1' });
    await client.ask('subscribe', { conversation_id: 'c1', after_seq: 3 });
    client.send('chat', { text: 'count', conversation_id: 'c1' }, 'r1');
    step.release(1);
    await client.waitFor((frame) => frame.request_id === 'r1' && frame.chunk?.type === 'text');
    await client.ask('unsubscribe', { conversation_id: 'c1' });
    step.release(2);
    const turn = await client.turn('r1');
    assert.equal(turn.text, 'one two three');
    assert.deepEqual(seqs(client), [4]);
  });

  test('tells the states of the chart to those who ask for them', async (t) => {
    const { client, parley } = await startScripted(t);
    await client.chat('hello', { conversation_id: 'c1' });
    const watcher = await parley.connect();
    await watcher.ask('subscribe', { conversation_id: 'c1', state: true });
    await watcher.waitFor((frame) => frame.status === 'state', 'the state of now, at the end of the catch-up');
    await client.chat('again', { conversation_id: 'c1' }, 'r2');
    const states = () => watcher.frames.filter((frame) => frame.status === 'state').map((frame) => Reflect.get(frame, 'state').value);
    await watcher.waitFor(() => states().length > 1 && states().at(-1) === 'idle', 'the last state');
    assert.deepEqual(states(), ['idle', 'turn.receiving', 'turn.loadingContext', 'turn.streaming', 'turn.persisting', 'idle']);
  });
});
