/** Checks cancel in the whole server: during a stream, a tool call and a queued turn, and without a turn. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readMetrics } from '../support/metrics.ts';
import { hangs, says, saysStepwise, stalls } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { misbehavingServer, serveScripted, startScripted } from '../support/parley.ts';
import { shareScripted } from '../support/share-scripted.ts';
import { connectClient, readUntilText, withCode } from '../support/typed-client.ts';

const stopped = { cancelled: ['r1'], disposition: 'cancelled' };
const nothing = { cancelled: [], disposition: 'nothing_running' };

const shared = shareScripted();

describe('cancel', () => {
  test('activates no conversation that is not live or does not exist', async (t) => {
    const { parley } = await serveScripted(t);
    await connectClient(t, parley.url).chat('Hi', { conversationId: 'c1' }).end;
    await parley.restart();
    const client = connectClient(t, parley.url);
    for (const conversation of ['c1', 'nowhere']) assert.deepEqual(await client.cancel(conversation), nothing);
    assert.equal((await readMetrics(parley.url)).get('parley_conversations_live'), 0);
  });

  test('during a stream aborts the provider request and keeps the text received so far', async (t) => {
    const { model, parley, c1, inC1, r1 } = await shared(t);
    model.script(stalls('Once ', 'upon '), says('Fine.'));
    const client = connectClient(t, parley.url);
    const turn = client.chat('a story', r1);
    await readUntilText(turn, 'Once upon ');
    assert.deepEqual(await client.cancel(c1), stopped);
    assert.equal((await turn.end).metadata.finish_reason, 'cancelled');
    assert.deepEqual(
      client.frames.slice(-2).map(({ status }) => status),
      ['result', 'complete'],
      'the result comes before the end',
    );
    assert.equal(await model.requests[0]?.end, 'aborted');
    await client.chat('and?', inC1).end;
    const sent = model.requests[1]?.body.messages;
    assert.deepEqual(
      sent?.slice(-2).map((message) => message.content),
      ['Once upon ', 'and?'],
    );
  });

  test('before the first token leaves no answer, and the next context has a notice', async (t) => {
    const { model, parley, inC1, r1 } = await shared(t);
    model.script(hangs(), says('Fine.'));
    const client = connectClient(t, parley.url);
    const turn = client.chat('hello?', r1);
    await model.request(1);
    await turn.cancel();
    assert.equal((await turn.end).metadata.finish_reason, 'cancelled');
    await client.chat('and now?', inC1).end;
    assert.match(String(model.requests[1]?.body.messages.at(-2)?.content), /before an answer began/);
  });

  test('during a tool call cancels it at its MCP server', async (t) => {
    const { model, parley, inC1, r1 } = await shared(t, { mcpServers: misbehavingServer() });
    model.script(asks([{ name: 'hang' }, { name: 'count' }]), says('Fine.'));
    const turn = connectClient(t, parley.url).chat('go', r1);
    const ends: string[] = [];
    for await (const chunk of turn) {
      if (chunk.type !== 'tool_result') continue;
      if (ends.push(chunk.status) === 1) await turn.cancel();
    }
    assert.deepEqual(ends, ['ok', 'cancelled']);
    assert.equal((await turn.end).metadata.finish_reason, 'cancelled');
    assert.equal(await connectClient(t, parley.url).chat('go on', inC1).text(), 'Fine.');
  });

  test('of a queued turn removes it from the queue', async (t) => {
    const { model, parley, c1, inC1 } = await shared(t);
    const step = saysStepwise('first');
    model.script(step.reply, says('third'));
    const client = connectClient(t, parley.url);
    const [, second, third] = ['r1', 'r2', 'r3'].map((requestId) => client.chat(requestId, { ...inC1, requestId }));
    await third?.accepted;
    assert.deepEqual(await client.cancel(c1, 'r2'), { cancelled: ['r2'], disposition: 'cancelled' });
    assert.equal((await second?.end)?.metadata.finish_reason, 'cancelled');
    step.release();
    assert.equal(await third?.text(), 'third');
    assert.equal(model.requests.length, 2);
  });

  test('finds nothing to stop in an idle or unknown conversation', async (t) => {
    const { parley, client: plain } = await startScripted(t);
    assert.deepEqual((await plain.ask('cancel')).result, nothing, 'on a socket that has none of its own');
    const client = connectClient(t, parley.url);
    assert.deepEqual(await client.cancel('unknown'), nothing);
    await client.chat('Hi', { conversationId: 'c1', requestId: 'r1' }).end;
    assert.deepEqual(await client.cancel('c1'), nothing);
    assert.deepEqual(await client.cancel('c1', 'r1'), nothing);
  });

  test('sent twice gets two replies and ends the turn once', async (t) => {
    const { model, parley, c1, r1 } = await shared(t);
    model.script(stalls('Once '));
    const [client, other] = [connectClient(t, parley.url), connectClient(t, parley.url)];
    const turn = client.chat('a story', r1);
    await readUntilText(turn, 'Once ');
    await other.ping();
    const [mine, theirs] = await Promise.all([client.cancel(c1), other.cancel(c1)]);
    assert.ok([mine, theirs].some(({ cancelled }) => cancelled[0] === 'r1'));
    for (const { disposition } of [mine, theirs]) assert.ok(['cancelled', 'nothing_running'].includes(disposition));
    await turn.end;
    assert.equal(client.frames.filter(({ status }) => status === 'complete').length, 1);
  });

  test('is not implied by closing a socket', async (t) => {
    const { model, parley, r1 } = await shared(t);
    const step = saysStepwise('still ', 'here');
    model.script(step.reply);
    const client = connectClient(t, parley.url);
    client.chat('Hi', r1);
    await model.request(1);
    client.close();
    step.release(2);
    assert.equal(await connectClient(t, parley.url).chat('Hi', r1).text(), 'still here');
    assert.equal(model.requests.length, 1);
  });
});

describe('an interrupting chat', () => {
  test('ends the running turn and runs before the queue', async (t) => {
    const { model, parley, inC1, r1 } = await shared(t);
    model.script(stalls('Once '), says('urgent'), says('later'));
    const client = connectClient(t, parley.url);
    const first = client.chat('a story', r1);
    await readUntilText(first, 'Once ');
    const waiting = client.chat('wait', inC1);
    const urgent = client.chat('now!', { ...inC1, mode: 'interrupt' });
    assert.equal((await first.end).metadata.finish_reason, 'interrupted');
    assert.equal(await urgent.text(), 'urgent');
    assert.equal(await waiting.text(), 'later');
  });

  test('a chat with mode reject is rejected while a turn runs, unless it repeats a known turn', async (t) => {
    const { model, parley, c1, inC1, r1 } = await shared(t);
    model.script(stalls('Once '), stalls('Twice '));
    const client = connectClient(t, parley.url);
    const first = client.chat('a story', r1);
    await readUntilText(first, 'Once ');
    await assert.rejects(client.chat('me too', { ...inC1, mode: 'reject' }).end, withCode('illegal_in_state'));
    await client.cancel(c1);
    await first.end;
    await readUntilText(client.chat('another story', inC1), 'Twice ');
    const ended = client.chat('a story', { ...r1, mode: 'reject' });
    assert.equal((await ended.end).metadata.replayed, true);
    await client.cancel(c1);
  });
});
