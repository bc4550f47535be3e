/** Stop, from the outside: in the middle of a stream, of a tool call, of the queue, and when there is nothing to stop. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { textOf } from '../support/client.ts';
import { hangs, says, saysStepwise, stalls } from '../support/model-replies.ts';
import { asks } from '../support/model-tool-calls.ts';
import { misbehavingServer, startScripted } from '../support/parley.ts';

describe('cancel', () => {
  test('in the middle of a stream ends the provider request and keeps what was said', async (t) => {
    const { model, client } = await startScripted(t);
    model.script(stalls('Once ', 'upon '), says('Fine.'));
    client.send('chat', { text: 'a story', conversation_id: 'c1' }, 'r1');
    await client.waitFor(() => textOf(client.frames) === 'Once upon ');
    const answer = await client.ask('cancel', { conversation_id: 'c1' });
    assert.deepEqual(answer.result, { cancelled: ['r1'], disposition: 'cancelled' });
    const turn = await client.turn('r1');
    assert.equal(turn.end.metadata?.['finish_reason'], 'cancelled');
    assert.ok(client.frames.indexOf(answer) < client.frames.indexOf(turn.end), 'the result comes before the end');
    assert.equal(await model.requests[0]?.end, 'aborted');
    await client.chat('and?', { conversation_id: 'c1' });
    const sent = model.requests[1]?.body.messages;
    assert.deepEqual(sent?.slice(-2).map((message) => message.content), ['Once upon ', 'and?']);
  });

  test('before the first token leaves no answer, and the next context says so', async (t) => {
    const { model, client } = await startScripted(t);
    model.script(hangs(), says('Fine.'));
    client.send('chat', { text: 'hello?', conversation_id: 'c1' }, 'r1');
    await model.request(1);
    await client.ask('cancel', { conversation_id: 'c1', target: 'r1' });
    assert.equal((await client.turn('r1')).end.metadata?.['finish_reason'], 'cancelled');
    await client.chat('and now?', { conversation_id: 'c1' });
    assert.match(String(model.requests[1]?.body.messages.at(-2)?.content), /before an answer began/);
  });

  test('in the middle of a tool call cancels it at its server', async (t) => {
    const { model, client, parley } = await startScripted(t, { mcpServers: misbehavingServer() });
    model.script(asks([{ name: 'hang' }, { name: 'count' }]), says('Fine.'));
    client.send('chat', { text: 'go', conversation_id: 'c1' }, 'r1');
    await client.waitFor((frame) => frame.chunk?.type === 'tool_result');
    await client.ask('cancel', { conversation_id: 'c1' });
    const turn = await client.turn('r1');
    const ends = turn.frames.filter((frame) => frame.chunk?.type === 'tool_result').map((frame) => frame.chunk?.['status']);
    assert.deepEqual(ends, ['ok', 'cancelled']);
    assert.equal(turn.end.metadata?.['finish_reason'], 'cancelled');
    const other = await parley.connect();
    assert.equal((await other.chat('go on', { conversation_id: 'c1' })).text, 'Fine.');
  });

  test('of a queued turn takes it out of the line', async (t) => {
    const { model, client } = await startScripted(t);
    const step = saysStepwise('first');
    model.script(step.reply, says('third'));
    for (const id of ['r1', 'r2', 'r3']) client.send('chat', { text: id, conversation_id: 'c1' }, id);
    await client.waitFor((frame) => frame.request_id === 'r3' && frame.status === 'processing');
    const answer = await client.ask('cancel', { conversation_id: 'c1', target: 'r2' });
    assert.deepEqual(answer.result, { cancelled: ['r2'], disposition: 'cancelled' });
    assert.equal((await client.turn('r2')).end.metadata?.['finish_reason'], 'cancelled');
    step.release();
    assert.equal((await client.turn('r3')).text, 'third');
    assert.equal(model.requests.length, 2);
  });

  test('finds nothing to stop in an idle or unknown conversation', async (t) => {
    const { client } = await startScripted(t);
    const nothing = { cancelled: [], disposition: 'nothing_running' };
    assert.deepEqual((await client.ask('cancel')).result, nothing);
    assert.deepEqual((await client.ask('cancel', { conversation_id: 'nobody' })).result, nothing);
    await client.chat('Hi', { conversation_id: 'c1' }, 'r1');
    assert.deepEqual((await client.ask('cancel', { conversation_id: 'c1' })).result, nothing);
    assert.deepEqual((await client.ask('cancel', { conversation_id: 'c1', target: 'r1' })).result, nothing);
  });

  test('twice is answered twice and ends the turn once', async (t) => {
    const { model, client, parley } = await startScripted(t);
    model.script(stalls('Once '));
    client.send('chat', { text: 'a story', conversation_id: 'c1' }, 'r1');
    await client.waitFor(() => textOf(client.frames) === 'Once ');
    const other = await parley.connect();
    const [mine, theirs] = await Promise.all([client.ask('cancel', { conversation_id: 'c1' }), other.ask('cancel', { conversation_id: 'c1' })]);
    assert.deepEqual(mine.result?.['cancelled'], ['r1']);
    assert.ok(['cancelled', 'nothing_running'].includes(String(theirs.result?.['disposition'])));
    await client.turn('r1');
    assert.equal(client.frames.filter((frame) => frame.status === 'complete').length, 1);
  });

  test('is not what closing a socket means', async (t) => {
    const { model, client, parley } = await startScripted(t);
    const step = saysStepwise('still ', 'here');
    model.script(step.reply);
    client.send('chat', { text: 'Hi', conversation_id: 'c1' }, 'r1');
    await model.request(1);
    await client.close();
    step.release(2);
    const other = await parley.connect();
    assert.equal((await other.chat('Hi', { conversation_id: 'c1' }, 'r1')).text, 'still here');
    assert.equal(model.requests.length, 1);
  });
});

describe('an interrupting chat', () => {
  test('ends the running turn and goes before the queue', async (t) => {
    const { model, client } = await startScripted(t);
    model.script(stalls('Once '), says('urgent'), says('later'));
    client.send('chat', { text: 'a story', conversation_id: 'c1' }, 'r1');
    await client.waitFor(() => textOf(client.frames) === 'Once ');
    client.send('chat', { text: 'wait', conversation_id: 'c1' }, 'r2');
    client.send('chat', { text: 'now!', conversation_id: 'c1', mode: 'interrupt' }, 'r3');
    assert.equal((await client.turn('r1')).end.metadata?.['finish_reason'], 'interrupted');
    assert.equal((await client.turn('r3')).text, 'urgent');
    assert.equal((await client.turn('r2')).text, 'later');
  });

  test('with mode reject is refused while a turn runs', async (t) => {
    const { model, client, parley } = await startScripted(t);
    model.script(stalls('Once '));
    client.send('chat', { text: 'a story', conversation_id: 'c1' }, 'r1');
    await client.waitFor(() => textOf(client.frames) === 'Once ');
    const refused = await client.chat('me too', { conversation_id: 'c1', mode: 'reject' });
    assert.equal(refused.end.error?.code, 'illegal_in_state');
    client.send('chat', { text: 'a story', conversation_id: 'c1', mode: 'reject' }, 'r1');
    const again = await client.waitFor((frame) => frame.request_id === 'r1' && frame.metadata?.['disposition'] === 'attached');
    assert.equal(again.status, 'processing', 'the same chat again is attached, whatever its mode');
    await client.ask('cancel', { conversation_id: 'c1' });
    await client.turn('r1');
    model.script(stalls('Twice '));
    client.send('chat', { text: 'another story', conversation_id: 'c1' }, 'r2');
    await client.waitFor((frame) => frame.request_id === 'r2' && frame.chunk?.type === 'text');
    const other = await parley.connect();
    const ended = await other.chat('a story', { conversation_id: 'c1', mode: 'reject' }, 'r1');
    assert.equal(ended.end.metadata?.['replayed'], true, 'and one that has ended gets its end');
    await client.ask('cancel', { conversation_id: 'c1' });
  });
});
