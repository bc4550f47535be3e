/** Checks chats that rewind: an edited message, a regenerated answer, a rewind during a turn, and invalid targets. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ParleyError } from '../../src/client/errors.ts';
import { check } from '../../src/cli/check.ts';
import { says, stalls } from '../support/model/replies.ts';
import type { ModelServer } from '../support/model/server.ts';
import { connectClient, readUntilText, startTyped, withCode } from '../support/typed-client.ts';

const asked = (model: ModelServer) =>
  model.requests
    .at(-1)
    ?.body.messages.slice(1)
    .map(({ content }) => content);
const inC1 = { conversationId: 'c1' };

/** For `assert.rejects`. */
const rejectsWith = (code: string, data: object) => (error: unknown) => {
  assert.ok(error instanceof ParleyError);
  assert.deepEqual([error.code, error.data], [code, data]);
  return true;
};

describe('a chat that rewinds', () => {
  test('gets the context before its target, now and after a restart; the log keeps all rows', async (t) => {
    const { parley, model, client } = await startTyped(t);
    model.script(says('first'), says('second'), says('SECOND'), says('third'));
    await client.chat('one', inC1).end;
    await client.chat('two', inC1).end;
    const edited = client.chat('TWO', { ...inC1, rewindTo: 4 });
    assert.deepEqual([(await edited.accepted).seq, (await edited.end).seq], [7, 10]);
    assert.deepEqual(asked(model), ['one', 'first', 'TWO']);
    client.close();
    await parley.restart();
    const back = connectClient(t, parley.url);
    await back.chat('three', inC1).end;
    assert.deepEqual(asked(model), ['one', 'first', 'TWO', 'SECOND', 'three']);
    assert.equal((await back.history('c1')).head_seq, 13);
    assert.equal(check(parley.database).exitCode, 0);
  });

  test('without a text repeats the message, and a repeat of its id is the same chat', async (t) => {
    const { model, client } = await startTyped(t);
    model.script(says('first'), says('another'));
    await client.chat('one', inC1).end;
    const again = { ...inC1, rewindTo: 1, requestId: 'r2' };
    assert.equal(await client.chat(null, again).text(), 'another');
    assert.deepEqual(asked(model), ['one']);
    assert.equal((await client.chat(null, again).end).metadata.replayed, true);
    await assert.rejects(client.chat('other', again).end, withCode('request_id_reused'));
    assert.equal(model.requests.length, 2);
  });

  test('during a turn is illegal, unless it interrupts', async (t) => {
    const { model, client } = await startTyped(t);
    model.script(stalls('Once '), says('Better.'));
    const first = client.chat('A tale', inC1);
    await readUntilText(first, 'Once ');
    await assert.rejects(
      client.chat('A better tale', { ...inC1, rewindTo: 1 }).end,
      rejectsWith('illegal_in_state', { can: ['cancel', 'chat'] }),
    );
    assert.equal(await client.chat('A better tale', { ...inC1, rewindTo: 1, mode: 'interrupt' }).text(), 'Better.');
    assert.equal((await first.end).metadata.finish_reason, 'interrupted');
    assert.deepEqual(asked(model), ['A better tale']);
  });

  test('to a row that is no user message of the branch is rejected', async (t) => {
    const { client } = await startTyped(t);
    await client.chat('one', inC1).end;
    await client.chat('ONE', { ...inC1, rewindTo: 1 }).end;
    for (const [rewindTo, conversationId] of [
      [2, 'c1'],
      [99, 'c1'],
      [1, 'c1'],
      [1, 'nowhere'],
    ] as const) {
      await assert.rejects(
        client.chat('again', { conversationId, rewindTo }).end,
        rejectsWith('invalid_request', { path: 'payload.rewind_to' }),
        `${rewindTo} of ${conversationId}`,
      );
    }
    await assert.rejects(client.chat(null, inC1).end, rejectsWith('invalid_request', { path: 'payload.text' }));
  });
});
