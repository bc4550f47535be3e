/** Checks the deletion of a conversation: its running work, its followers, and its name afterwards. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { check } from '../../src/cli/check.ts';
import { hangs, says, stalls } from '../support/model/replies.ts';
import { connectClient, readUntilText, readAll, startTyped, withCode } from '../support/typed-client.ts';

const inC1 = { conversationId: 'c1' };

describe('a deleted conversation', () => {
  test('is unknown to all clients, and its followers are notified', async (t) => {
    const { parley, client } = await startTyped(t);
    const other = connectClient(t, parley.url);
    await client.chat('Hello', inC1).end;
    const followed = readAll(other.subscribe('c1'));
    await other.ping();
    await client.delete('c1');
    assert.deepEqual((await followed).at(-1), { status: 'deleted', conversation_id: 'c1' });
    await assert.rejects(client.history('c1'), withCode('not_found'));
    await assert.rejects(client.delete('c1'), withCode('not_found'));
    await assert.rejects(readAll(client.subscribe('c1')), withCode('not_found'));
    assert.deepEqual((await client.conversations()).conversations, []);
    client.close();
    other.close();
    await parley.restart();
    await assert.rejects(connectClient(t, parley.url).history('c1'), withCode('not_found'));
  });

  test('ends its running turn and the request to the model', async (t) => {
    const { client, model } = await startTyped(t);
    model.script(stalls('Once '));
    const turn = client.chat('A tale', inC1);
    const ended = assert.rejects(turn.end, withCode('conversation_deleted'));
    await readUntilText(turn, 'Once ');
    await client.delete('c1');
    assert.equal(await model.requests[0]?.end, 'aborted');
    await ended;
  });

  test('asks the senders of waiting chats to send again, and those chats begin a new conversation at seq 1', async (t) => {
    const { parley, client, model } = await startTyped(t);
    model.script(hangs(), says('A new one.'));
    const firstEnds = assert.rejects(client.chat('One', inC1).end, withCode('conversation_deleted'));
    await model.request(1);
    const deletion = client.delete('c1');
    const second = { ...inC1, requestId: 'r2' };
    // Either this arrives before the deletion and waits in the old conversation, or it arrives later and begins the new
    // one.
    const end = await client.chat('Two', second).end.catch((error: unknown) => {
      assert.ok(withCode('conversation_deleted')(error), String(error));
      return client.chat('Two', second).end;
    });
    await deletion;
    await firstEnds;
    assert.equal(end.seq, 3);
    const last = model.requests.at(-1)?.body.messages.filter(({ role }) => role === 'user');
    assert.deepEqual(
      last?.map(({ content }) => content),
      ['Two'],
      'the new one knows nothing of the old',
    );
    assert.equal(check(parley.database).exitCode, 0);
  });

  test('that never existed is not_found', async (t) => {
    const { client } = await startTyped(t);
    await assert.rejects(client.delete('nowhere'), withCode('not_found'));
  });
});
