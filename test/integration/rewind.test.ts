/** Going back: an edited message, the same one asked again, in a turn, and what cannot be gone back to. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { check } from '../../src/commands/check.ts';
import { says, stalls } from '../support/model-replies.ts';
import type { ModelServer } from '../support/model-server.ts';
import { startScripted } from '../support/parley.ts';

const asked = (model: ModelServer) => model.requests.at(-1)?.body.messages.slice(1).map(({ content }) => content);
const inC1 = { conversation_id: 'c1' };

describe('a chat that goes back', () => {
  test('is answered from what was before it, now and after a restart; the log keeps what was', async (t) => {
    const { parley, model, client } = await startScripted(t);
    model.script(says('first'), says('second'), says('SECOND'), says('third'));
    await client.chat('one', inC1);
    await client.chat('two', inC1);
    const edited = await client.chat('TWO', { ...inC1, rewind_to: 4 });
    assert.deepEqual(asked(model), ['one', 'first', 'TWO']);
    assert.deepEqual(edited.frames.filter(({ status }) => status !== 'chunk').map(({ status, seq }) => [status, seq]), [['processing', 7], ['complete', 10]]);
    await parley.restart();
    const back = await parley.connect();
    await back.chat('three', inC1);
    assert.deepEqual(asked(model), ['one', 'first', 'TWO', 'SECOND', 'three']);
    assert.deepEqual((await back.ask('history', inC1)).result?.['head_seq'], 13);
    assert.equal(check(parley.database).exitCode, 0);
  });

  test('without a text asks the same again, and under the same id is the same chat', async (t) => {
    const { model, client } = await startScripted(t);
    model.script(says('first'), says('another'));
    await client.chat('one', inC1);
    const again = { ...inC1, rewind_to: 1 };
    client.send('chat', again, 'r2');
    assert.equal((await client.turn('r2')).text, 'another');
    assert.deepEqual(asked(model), ['one']);
    const from = client.frames.length;
    client.send('chat', again, 'r2');
    const replayed = await client.waitFor((frame) => client.frames.indexOf(frame) >= from && frame.status === 'complete');
    assert.equal(replayed.metadata?.['replayed'], true);
    assert.equal((await client.chat('other', again, 'r2')).end.status, 'complete', 'the first end is still the one that is found');
    assert.equal(model.requests.length, 2);
  });

  test('in a turn is illegal, unless it interrupts', async (t) => {
    const { model, client } = await startScripted(t);
    model.script(stalls('Once '), says('Better.'));
    client.send('chat', { text: 'A tale', ...inC1 }, 'r1');
    await client.waitFor((frame) => frame.chunk?.type === 'text');
    const refused = await client.chat('A better tale', { ...inC1, rewind_to: 1 });
    assert.deepEqual([refused.end.error?.code, refused.end.error?.data], ['illegal_in_state', { can: ['cancel', 'chat'] }]);
    const turn = await client.chat('A better tale', { ...inC1, rewind_to: 1, mode: 'interrupt' });
    assert.equal(turn.text, 'Better.');
    assert.equal((await client.turn('r1')).end.metadata?.['finish_reason'], 'interrupted');
    assert.deepEqual(asked(model), ['A better tale']);
  });

  test('to what is no message of a user on the branch is told so', async (t) => {
    const { client } = await startScripted(t);
    await client.chat('one', inC1);
    await client.chat('ONE', { ...inC1, rewind_to: 1 });
    for (const [rewind_to, conversation_id] of [[2, 'c1'], [99, 'c1'], [1, 'c1'], [1, 'nowhere']] as const) {
      const { end } = await client.chat('again', { conversation_id, rewind_to });
      assert.deepEqual([end.error?.code, end.error?.data], ['invalid_request', { path: 'payload.rewind_to' }], `${rewind_to} of ${conversation_id}`);
    }
    const nothing = await client.ask('chat', inC1);
    assert.deepEqual(nothing.error?.data, { path: 'payload.text' });
  });
});
