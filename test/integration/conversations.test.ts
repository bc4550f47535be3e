/** The list of conversations and their forks, with the client that ships. Real server, sockets and database; scripted model. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import type { Client } from '../../src/client/client.ts';
import { ParleyError } from '../../src/client/errors.ts';
import { check } from '../../src/cli/check.ts';
import { readMetrics } from '../support/metrics.ts';
import { says, saysStepwise } from '../support/model-replies.ts';
import { asks } from '../support/model-tool-calls.ts';
import { demoServer, startParley, serveScripted } from '../support/parley.ts';
import { connectClient, withCode } from '../support/typed-client.ts';

/** All turns of a conversation, one after the other. */
async function chat(client: Client, conversationId: string, ...texts: string[]): Promise<void> {
  for (const [index, text] of texts.entries())
    await client.chat(text, { conversationId, requestId: `r${index + 1}` }).end;
}

/** A refused request, and what its `data` says. */
const refusedWith = (data: object) => (error: unknown) => {
  assert.ok(error instanceof ParleyError);
  assert.deepEqual([error.code, error.data], ['invalid_request', data]);
  return true;
};

describe('the list of conversations', () => {
  test('is newest first, with what a sidebar shows', async (t) => {
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

  test('shows which are at work and which wait for a person, also after a restart', async (t) => {
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

  test('comes page by page while others are busy', async (t) => {
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

  test('refuses a cursor that it has not given, and a limit beyond 200', async (t) => {
    const { parley } = await serveScripted(t);
    const client = connectClient(t, parley.url);
    await assert.rejects(client.conversations({ cursor: 'page 2' }), refusedWith({ path: 'payload.cursor' }));
    await assert.rejects(client.conversations({ limit: 201 }), refusedWith({ path: 'payload.limit' }));
  });
});

describe('a fork', () => {
  test('goes on from the end of a turn, and the model hears what came before it and nothing else', async (t) => {
    const { parley, model } = await serveScripted(t);
    const client = connectClient(t, parley.url);
    await chat(client, 'c1', 'I am Ada', 'I like cats', 'I hate dogs');
    const { conversation_id: fork } = await client.fork('c1', 6);
    await client.chat('Who am I?', { conversationId: fork }).end;
    const heard = model.requests.at(-1)?.body.messages.filter(({ role }) => role === 'user');
    assert.deepEqual(
      heard?.map(({ content }) => content),
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

  test('answers a chat that was copied with the copied answer', async (t) => {
    const { parley, model } = await serveScripted(t);
    const client = connectClient(t, parley.url);
    model.script(says('You are Ada.'));
    await chat(client, 'c1', 'I am Ada');
    const { conversation_id: fork } = await client.fork('c1', 3);
    const again = client.chat('I am Ada', { conversationId: fork, requestId: 'r1' });
    assert.deepEqual([await again.text(), (await again.end).metadata.replayed], ['You are Ada.', true]);
    assert.equal(model.requests.length, 1);
  });

  test('may be made while its origin is at work, and makes no conversation live', async (t) => {
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

  test('elsewhere than at the end of a turn is refused, and the nearest are told', async (t) => {
    const { parley, model } = await serveScripted(t);
    const client = connectClient(t, parley.url);
    await chat(client, 'c1', 'One', 'Two');
    await assert.rejects(client.fork('c1', 4), refusedWith({ path: 'payload.at_seq', nearest: [3, 6] }));
    await assert.rejects(client.fork('c1', 4), /no fork is possible at 4.*Nearest: 3 and 6\./);
    await assert.rejects(client.fork('c1', 99), refusedWith({ path: 'payload.at_seq', nearest: [6] }));
    await assert.rejects(client.fork('c1', 0), refusedWith({ path: 'payload.at_seq' }));
    const step = saysStepwise('one two');
    model.script(step.reply);
    const running = client.chat('Hi', { conversationId: 'c2' });
    await running.accepted;
    await assert.rejects(client.fork('c2', 1), /No turn of this conversation has ended yet\./);
    step.release();
    await running.end;
  });

  test('of an unknown conversation finds none', async (t) => {
    const { parley } = await serveScripted(t);
    await assert.rejects(connectClient(t, parley.url).fork('nobody', 3), withCode('not_found'));
  });
});

test('nobody sees, lists or forks the conversations of others', async (t) => {
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
