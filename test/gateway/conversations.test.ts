/**
 * Checks the list of conversations and forks with the shipped client. Real server, sockets and database; scripted
 * model.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import type { Client } from '../../src/client/client.ts';
import { ParleyError } from '../../src/client/errors.ts';
import { check } from '../../src/cli/check.ts';
import { readMetrics } from '../support/metrics.ts';
import { says, saysStepwise } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer, startParley, serveScripted } from '../support/parley.ts';
import { connectClient, withCode } from '../support/typed-client.ts';

/** Runs these turns of a conversation, one after the other. */
async function chat(client: Client, conversationId: string, ...texts: string[]): Promise<void> {
  for (const [index, text] of texts.entries())
    await client.chat(text, { conversationId, requestId: `r${index + 1}` }).end;
}

/** For `assert.rejects`: an invalid_request with this `data`. */
const rejectsWith = (data: object) => (error: unknown) => {
  assert.ok(error instanceof ParleyError);
  assert.deepEqual([error.code, error.data], ['invalid_request', data]);
  return true;
};

describe('the list of conversations', () => {
  test('is newest first, with the data of a sidebar', async (t) => {
    const { parley } = await serveScripted(t);
    const client = connectClient(t, parley.url);
    assert.deepEqual(await client.conversations(), { conversations: [], next_cursor: null });
    await chat(client, 'c1', 'What is love?');
    await chat(client, 'c2', 'Baby', 'Do not hurt me');
    const { conversations, next_cursor } = await client.conversations();
    const [second, first] = conversations.map(({ created_at: createdAt, updated_at: updatedAt, tokens, ...rest }) => {
      assert.ok(Date.parse(createdAt) <= Date.parse(updatedAt) && tokens > 0);
      return rest;
    });
    assert.deepEqual(first, {
      conversation_id: 'c1',
      title: 'What is love?',
      message_count: 2,
      spent_tokens: 18,
      cost: 0,
      head_seq: 3,
      activity: 'idle',
    });
    assert.deepEqual(second, {
      conversation_id: 'c2',
      title: 'Baby',
      message_count: 4,
      spent_tokens: 36,
      cost: 0,
      head_seq: 6,
      activity: 'idle',
    });
    assert.equal(next_cursor, null);
  });

  test('shows which have a running turn and which wait for an answer, also after a restart', async (t) => {
    const { parley, model } = await serveScripted(t, {
      mcpServers: demoServer,
      config: { chat: { service: { tools: { permission: { 'demo.add': 'ask' } } } } },
    });
    const client = connectClient(t, parley.url);
    const step = saysStepwise('one two');
    model.script(asks([{ name: 'add', arguments: { a: 2, b: 3 } }]), step.reply);
    const asking = client.chat('Add', { conversationId: 'asks' });
    for await (const chunk of asking) if (chunk.type === 'approval_request') break;
    const running = client.chat('Count', { conversationId: 'runs' });
    await running.accepted;
    const activities = async (reader: Client) =>
      (await reader.conversations()).conversations
        .map((each) => `${each.conversation_id}: ${each.activity}`)
        .toSorted();
    assert.deepEqual(await activities(client), ['asks: waiting', 'runs: running']);
    step.release();
    await running.end;
    asking.end.catch(() => undefined);
    client.close();
    await parley.restart();
    assert.deepEqual(await activities(connectClient(t, parley.url)), ['asks: waiting', 'runs: idle']);
  });

  test('is paged correctly while other conversations change', async (t) => {
    const { parley } = await serveScripted(t);
    const client = connectClient(t, parley.url);
    for (const id of ['a', 'b', 'c', 'd', 'e']) await chat(client, id, 'Hi');
    const first = await client.conversations({ limit: 2 });
    await client.chat('Again', { conversationId: 'e' }).end;
    await client.chat('Hi', { conversationId: 'new' }).end;
    const second = await client.conversations({
      limit: 2,
      ...(first.next_cursor === null ? {} : { cursor: first.next_cursor }),
    });
    const third = await client.conversations({
      limit: 2,
      ...(second.next_cursor === null ? {} : { cursor: second.next_cursor }),
    });
    assert.deepEqual(
      [first, second, third].map((page) => page.conversations.map((each) => each.conversation_id)),
      [['e', 'd'], ['c', 'b'], ['a']],
    );
    assert.equal(third.next_cursor, null);
  });

  test('rejects an invalid cursor, and a limit above 200', async (t) => {
    const { parley } = await serveScripted(t);
    const client = connectClient(t, parley.url);
    await assert.rejects(client.conversations({ cursor: 'page 2' }), rejectsWith({ path: 'payload.cursor' }));
    await assert.rejects(client.conversations({ limit: 201 }), rejectsWith({ path: 'payload.limit' }));
  });
});

describe('a fork', () => {
  test('continues from the end of a turn, and the model gets the messages before it and nothing else', async (t) => {
    const { parley, model } = await serveScripted(t);
    const client = connectClient(t, parley.url);
    await chat(client, 'c1', 'I am Ada', 'I like cats', 'I hate dogs');
    const { conversation_id: fork } = await client.fork('c1', 6);
    await client.chat('Who am I?', { conversationId: fork }).end;
    const received = model.requests.at(-1)?.body.messages.filter(({ role }) => role === 'user');
    assert.deepEqual(
      received?.map(({ content }) => content),
      ['I am Ada', 'I like cats', 'Who am I?'],
    );
    await client.chat('And I?', { conversationId: 'c1' }).end;
    assert.deepEqual((await client.history('c1')).head_seq, 12);
    const { conversations } = await client.conversations();
    assert.deepEqual(
      conversations.map((each) => [each.conversation_id, each.title, each.head_seq]),
      [
        ['c1', 'I am Ada', 12],
        [fork, 'I am Ada', 9],
      ],
    );
    assert.deepEqual([...check(parley.database).lines].at(-1)?.endsWith('Everything is in order.'), true);
  });

  test('answers a repeated chat with the copied answer', async (t) => {
    const { parley, model } = await serveScripted(t);
    const client = connectClient(t, parley.url);
    model.script(says('You are Ada.'));
    await chat(client, 'c1', 'I am Ada');
    const { conversation_id: fork } = await client.fork('c1', 3);
    const again = client.chat('I am Ada', { conversationId: fork, requestId: 'r1' });
    assert.deepEqual([await again.text(), (await again.end).metadata.replayed], ['You are Ada.', true]);
    assert.equal(model.requests.length, 1);
  });

  test('may be made while its origin has a running turn, and activates no conversation', async (t) => {
    const { parley, model } = await serveScripted(t);
    const client = connectClient(t, parley.url);
    await chat(client, 'c1', 'One');
    const step = saysStepwise('one two');
    model.script(step.reply);
    const running = client.chat('Two', { conversationId: 'c1' });
    await running.accepted;
    const { conversation_id: fork } = await client.fork('c1', 3);
    assert.equal((await client.history(fork)).head_seq, 3);
    assert.equal((await readMetrics(parley.url)).get('parley_conversations_live'), 1);
    step.release();
    assert.equal(await running.text(), 'one two');
  });

  test('at another row than the end of a turn is rejected, and the error names the nearest ends', async (t) => {
    const { parley, model } = await serveScripted(t);
    const client = connectClient(t, parley.url);
    await chat(client, 'c1', 'One', 'Two');
    await assert.rejects(client.fork('c1', 4), rejectsWith({ path: 'payload.at_seq', nearest: [3, 6] }));
    await assert.rejects(client.fork('c1', 4), /no fork is possible at 4.*Nearest: 3 and 6\./);
    await assert.rejects(client.fork('c1', 99), rejectsWith({ path: 'payload.at_seq', nearest: [6] }));
    await assert.rejects(client.fork('c1', 0), rejectsWith({ path: 'payload.at_seq' }));
    const step = saysStepwise('one two');
    model.script(step.reply);
    const running = client.chat('Hi', { conversationId: 'c2' });
    await running.accepted;
    await assert.rejects(client.fork('c2', 1), /No turn of this conversation has ended yet\./);
    step.release();
    await running.end;
  });

  test('of an unknown conversation is not_found', async (t) => {
    const { parley } = await serveScripted(t);
    await assert.rejects(connectClient(t, parley.url).fork('unknown', 3), withCode('not_found'));
  });
});

test('a subject can neither list, read nor fork the conversations of others', async (t) => {
  const [alice, bob] = [createToken(), createToken()];
  const tokens = [
    { subject: 'alice', sha256: hashToken(alice) },
    { subject: 'bob', sha256: hashToken(bob) },
  ];
  const parley = await startParley(t, { config: { auth: { mode: 'token', tokens } } });
  const [hers, his] = [connectClient(t, parley.url, { token: alice }), connectClient(t, parley.url, { token: bob })];
  await chat(hers, 'c1', 'Hers');
  await assert.rejects(his.fork('c1', 3), withCode('not_found'));
  assert.deepEqual((await his.conversations()).conversations, []);
  await chat(his, 'c1', 'His', 'And more');
  const { conversation_id: fork } = await his.fork('c1', 3);
  const ids = async (client: Client) =>
    (await client.conversations()).conversations.map((each) => `${each.conversation_id} ${each.title}`);
  assert.deepEqual([await ids(hers), await ids(his)], [['c1 Hers'], [`${fork} His`, 'c1 His']]);
  await assert.rejects(hers.history(fork), withCode('not_found'));
});
