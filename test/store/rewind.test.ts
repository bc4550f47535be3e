/** Tests logs with rewinds: the rows of a context, and the messages that a chat may rewind to. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { begin, end, owner, row, sandbox } from './support.ts';

/** Turns of three rows each (message, answer, end); one that goes back has its rewind behind its message. */
async function branching(t: TestContext) {
  const { open } = sandbox(t);
  const { store, append } = await open();
  const start = async (requestId: string, rewindTo?: number) => {
    const { rows, ...message } = begin('c', requestId, { content: `text of ${requestId}`, token_count: 10 });
    const marks =
      rewindTo === undefined
        ? []
        : [
            row({
              type: 'meta',
              role: null,
              content: null,
              token_count: null,
              request_id: requestId,
              extra: { kind: 'rewind', to_seq: rewindTo },
            }),
          ];
    await append({ ...message, rows: [...rows, ...marks] });
  };
  const finish = async (requestId: string) => void (await append(end('c', requestId, { token_count: 10 })));
  return {
    start,
    finish,
    async turn(requestId: string, rewindTo?: number) {
      await start(requestId, rewindTo);
      await finish(requestId);
    },
    turnsRead: async (tokens: number) => [
      ...new Set((await store.load(owner, 'c', tokens)).rows.map((each) => each.request_id)),
    ],
    points: async (...seqs: number[]) =>
      Promise.all(seqs.map(async (seq) => (await store.rewindPoint(owner, 'c', seq))?.text ?? null)),
    store,
  };
}

describe('a log that was gone back in', () => {
  test('is read without what was abandoned, which takes no room', async (t) => {
    const log = await branching(t);
    for (const id of ['r1', 'r2', 'r3']) await log.turn(id);
    for (const id of ['r4', 'r5', 'r6']) await log.turn(id, 4);
    assert.deepEqual(await log.turnsRead(1000), ['r1', 'r6']);
    assert.deepEqual(await log.turnsRead(30), ['r1', 'r6'], 'the budget reaches as far back as without the edits');
    assert.deepEqual(await log.turnsRead(5), ['r6']);
  });

  test('is read without what an abandoned turn had abandoned', async (t) => {
    const log = await branching(t);
    for (const id of ['r1', 'r2']) await log.turn(id);
    await log.turn('r3', 4);
    await log.turn('r4', 7);
    assert.deepEqual(await log.turnsRead(1000), ['r1', 'r4']);
  });

  test('is read with turns that were queued during a rewind, and with running ones', async (t) => {
    const log = await branching(t);
    await log.start('r1');
    await log.start('r2');
    await log.start('r3', 1);
    assert.deepEqual(await log.turnsRead(1000), ['r1', 'r2', 'r3']);
    await log.finish('r1');
    await log.finish('r3');
    assert.deepEqual(await log.turnsRead(1000), ['r2', 'r3']);
    await log.finish('r2');
    assert.deepEqual(await log.turnsRead(1000), ['r2', 'r3']);
  });
});

describe('a point to go back to', () => {
  test('is a message of a user on the branch', async (t) => {
    const log = await branching(t);
    for (const id of ['r1', 'r2']) await log.turn(id);
    await log.turn('r3', 4);
    assert.deepEqual(await log.points(1, 2, 3, 4, 7, 8, 99), [
      'text of r1',
      null,
      null,
      null,
      'text of r3',
      null,
      null,
    ]);
    await log.turn('r4', 7);
    assert.deepEqual(await log.points(1, 4, 7, 11), ['text of r1', null, null, 'text of r4']);
    assert.equal(await log.store.rewindPoint('other', 'c', 1), null);
  });

  test('is also the message that is being answered', async (t) => {
    const log = await branching(t);
    await log.start('r1');
    assert.deepEqual(await log.points(1), ['text of r1']);
  });
});
