/** A conversation that is deleted: whatever it was at, for whoever followed, and what may come after it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { check } from '../../src/commands/check.ts';
import { hangs, says, stalls } from '../support/model-replies.ts';
import { startScripted } from '../support/parley.ts';

describe('a deleted conversation', () => {
  test('is gone for everybody: followers are told, and nobody knows of it any more', async (t) => {
    const { parley, client } = await startScripted(t);
    const other = await parley.connect();
    await client.chat('Hello', { conversation_id: 'c1' });
    await other.ask('subscribe', { conversation_id: 'c1' });
    assert.deepEqual((await client.ask('delete', { conversation_id: 'c1' })).result, {});
    assert.deepEqual(await other.waitFor(({ status }) => status === 'deleted'), { status: 'deleted', conversation_id: 'c1' });
    for (const action of ['subscribe', 'history', 'delete']) {
      assert.equal((await client.ask(action, { conversation_id: 'c1' })).error?.code, 'not_found', action);
    }
    assert.deepEqual((await client.ask('conversations')).result?.['conversations'], []);
    await parley.restart();
    assert.equal((await (await parley.connect()).ask('history', { conversation_id: 'c1' })).error?.code, 'not_found');
  });

  test('stops what it was at: the request to the model ends, and so does the turn', async (t) => {
    const { client, model } = await startScripted(t);
    model.script(stalls('Once '));
    client.send('chat', { text: 'A tale', conversation_id: 'c1' }, 'r1');
    await client.waitFor((frame) => frame.chunk?.type === 'text');
    await client.ask('delete', { conversation_id: 'c1' });
    assert.equal(await model.requests[0]?.end, 'aborted');
    await client.waitFor(({ status }) => status === 'deleted');
    assert.deepEqual((await client.turn('r1')).end.error?.code, 'conversation_deleted');
  });

  test('tells those who wait in it to send again, and what they send begins a new conversation at seq 1', async (t) => {
    const { parley, client, model } = await startScripted(t);
    model.script(hangs(), says('A new one.'));
    client.send('chat', { text: 'One', conversation_id: 'c1' }, 'r1');
    await model.request(1);
    const deletion = client.ask('delete', { conversation_id: 'c1' });
    client.send('chat', { text: 'Two', conversation_id: 'c1' }, 'r2');
    await deletion;
    // Either it came first, waited in the old one and was told; or it came later and began the new one.
    const answer = await client.waitFor(({ request_id, status }) => request_id === 'r2' && (status === 'error' || status === 'complete'));
    if (answer.status === 'error') {
      assert.equal(answer.error?.code, 'conversation_deleted');
      client.send('chat', { text: 'Two', conversation_id: 'c1' }, 'r2');
    }
    const end = await client.waitFor((frame) => frame.request_id === 'r2' && frame.status === 'complete');
    assert.equal(end.seq, 3);
    const last = model.requests.at(-1)?.body.messages.filter(({ role }) => role === 'user');
    assert.deepEqual(last?.map(({ content }) => content), ['Two'], 'the new one knows nothing of the old');
    assert.equal(check(parley.database).exitCode, 0);
  });

  test('that never was is not_found', async (t) => {
    const { client } = await startScripted(t);
    assert.equal((await client.ask('delete', { conversation_id: 'nowhere' })).error?.code, 'not_found');
  });
});
