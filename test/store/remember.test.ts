/** Tests remembered decisions: they are kept with the conversation, longer than its rows. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RememberedDecision } from '../../machines/conversation/turn-state.ts';
import { begin, elsewhere, end, owner, row, sandbox } from './support.ts';

const add: RememberedDecision = { server: 'demo', toolName: 'add', definition: 'first', decision: 'approve' };
const erase: RememberedDecision = { server: 'files', toolName: '"erase"', definition: '', decision: 'deny' };
const remembering = (remember: RememberedDecision, id = 'x') => ({
  conversationId: 'c',
  owner,
  remember,
  rows: [row({ id, type: 'meta', role: null, content: null, request_id: 'r1' })],
});

describe('a decision that is remembered', () => {
  test('is known with the others in their order, also when the file is opened again', async (t) => {
    const { open } = sandbox(t);
    const first = await open();
    assert.deepEqual((await first.store.load(owner, 'c', 9)).remembered, []);
    await first.append(begin('c', 'r1'));
    await first.append(remembering(add, 'x'));
    await first.append(remembering(erase, 'y'));
    assert.deepEqual((await first.store.load(owner, 'c', 9)).remembered, [add, erase]);
    await first.store.close();
    const { store } = await open();
    assert.deepEqual((await store.load(owner, 'c', 9)).remembered, [add, erase]);
  });

  test('is stored together with its rows, or not at all', async (t) => {
    const { store, append } = await sandbox(t).open();
    await append(begin('c', 'r1', { id: 'taken' }));
    assert.equal((await append(remembering(add, 'taken'))).status, 'failed');
    assert.deepEqual((await store.load(owner, 'c', 9)).remembered, []);
  });

  test('outlives its rows, which retention takes', async (t) => {
    const { store, append } = await sandbox(t).open({ retention: { policy: 'message_count', maxMessages: 2 } });
    await append(begin('c', 'r1'));
    await append(remembering(add));
    for (const id of ['r1', 'r2', 'r3']) {
      if (id !== 'r1') await append(begin('c', id));
      await append(end('c', id));
    }
    const { oldestSeq, remembered } = await store.load(owner, 'c', 9);
    assert.ok(oldestSeq > 2);
    assert.deepEqual(remembered, [add]);
  });

  test("is its conversation's alone: not that of another owner, of a fork, or of one that has its name later", async (t) => {
    const { store, append } = await sandbox(t).open();
    await append(begin('c', 'r1'));
    await append({ ...begin('c', 'r1'), owner: 'bob' });
    await append(remembering(add));
    await append(end('c', 'r1'));
    const forked = await store.fork(owner, 'c', 4);
    assert.ok(forked.status === 'forked');
    const remembered = async (who: string, id: string) => (await store.load(who, id, 9)).remembered;
    assert.deepEqual([await remembered('bob', 'c'), await remembered(owner, forked.conversationId)], [[], []]);
    await store.remove(owner, 'c');
    await append(begin('c', 'r1'));
    assert.deepEqual(await remembered(owner, 'c'), []);
  });

  test('is forgotten where others have made it illegible, and the next one is kept', async (t) => {
    const { path, open } = sandbox(t);
    const first = await open();
    await first.append(begin('c', 'r1'));
    await first.append(remembering(add));
    await first.store.close();
    elsewhere(path, (db) => db.exec(`UPDATE conversations SET remembered = '{oops'`));
    const { store, append } = await open();
    assert.deepEqual((await store.load(owner, 'c', 9)).remembered, []);
    await append(remembering(erase, 'y'));
    assert.deepEqual((await store.load(owner, 'c', 9)).remembered, [erase]);
  });
});
