/** Tests turns that wait for a person: what a start resumes, what is overdue, and questions with their answers. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { waitFor } from 'xstate';
import { begin, end, killedWithOpenTurns, owner, row, sandbox, waitingFor } from './support.ts';

const dayMs = 24 * 60 * 60 * 1000;
const ref = (conversationId: string) => ({ owner, conversationId });

describe('a turn that waits', () => {
  test('is not unfinished, and is overdue from its time on', async (t) => {
    const { store, append } = await sandbox(t).open();
    await append(begin('c', 'r1'));
    assert.deepEqual([await store.unfinished(), await store.overdue(Infinity, 10)], [[ref('c')], []]);
    await append(waitingFor('c', 'r1', 1000));
    assert.deepEqual(await store.unfinished(), []);
    assert.deepEqual([await store.overdue(999, 10), await store.overdue(1000, 10)], [[], [ref('c')]]);
  });

  test('waits no longer when an append says so, or ends it', async (t) => {
    const { store, append } = await sandbox(t).open();
    for (const conversationId of ['answered', 'ended']) {
      await append(begin(conversationId, 'r1'));
      await append(waitingFor(conversationId, 'r1', 1000));
    }
    await append(waitingFor('answered', 'r1', null));
    await append(end('ended', 'r1'));
    assert.deepEqual([await store.unfinished(), await store.overdue(1000, 10)], [[ref('answered')], []]);
  });

  test('may do so from its first row', async (t) => {
    const { store, append } = await sandbox(t).open();
    await append({ ...begin('c', 'r1'), waiting: { requestId: 'r1', untilMs: 1000 } });
    assert.deepEqual(await store.overdue(1000, 10), [ref('c')]);
  });

  test('leaves its conversation unfinished when another turn has something to do', async (t) => {
    const { store, append } = await sandbox(t).open();
    await append(begin('c', 'r1'));
    await append(begin('c', 'r2'));
    await append(waitingFor('c', 'r1', 1000));
    assert.deepEqual(await store.unfinished(), [ref('c')]);
  });

  test('says so together with its rows, or not at all', async (t) => {
    const { store, append } = await sandbox(t).open();
    await append(begin('c', 'r1', { id: 'taken' }));
    const torn = await append({ ...waitingFor('c', 'r1', 1000), rows: [row(), row({ id: 'taken' })] });
    assert.equal(torn.status, 'failed');
    assert.deepEqual([await store.unfinished(), await store.overdue(1000, 10)], [[ref('c')], []]);
  });

  test('must be open: else the append is refused with its rows', async (t) => {
    const { store, append } = await sandbox(t).open();
    await append(begin('c', 'r1'));
    await append(end('c', 'r1'));
    const late = await append(waitingFor('c', 'r1', 1000));
    assert.equal(late.status === 'failed' && late.fault.code, 'internal');
    assert.equal((await store.load(owner, 'c', 100)).headSeq, 3);
  });

  test('survives a kill -9 of its server as one that waits', async (t) => {
    const { path, open } = sandbox(t);
    await killedWithOpenTurns(t, path);
    const { store } = await open();
    assert.deepEqual(await store.unfinished(), [ref('busy')]);
    assert.deepEqual(await store.overdue(1000, 10), [ref('asks')]);
  });

  test('is kept by retention and sweep however old it is, and goes when it has ended', async (t) => {
    const clock = { now: Date.UTC(2026, 0, 1) };
    const sweepDelaysMs = { first: 1, betweenSlices: 1, betweenRounds: 1_000_000 };
    const { open } = sandbox(t);
    const retention = { policy: 'time_based', days: 7 } as const;
    const first = await open({ now: () => clock.now, retention });
    await first.append(begin('c', 'r1'));
    await first.append(waitingFor('c', 'r1', 1000));
    clock.now += 90 * dayMs;
    await first.append(begin('c', 'r2'));
    await first.append(end('c', 'r2'));
    assert.equal((await first.store.load(owner, 'c', 100)).oldestSeq, 1);
    await first.store.close();
    clock.now += 90 * dayMs;
    const { store, append, writer } = await open({ now: () => clock.now, retention, sweepDelaysMs: sweepDelaysMs });
    await waitFor(writer, ({ context }) => context.sweepInMs === sweepDelaysMs.betweenRounds);
    const standing = await store.load(owner, 'c', 100);
    assert.deepEqual([standing.oldestSeq, standing.open.map(({ requestId }) => requestId)], [1, ['r1']]);
    await append(end('c', 'r1'));
    clock.now += 8 * dayMs;
    await append(begin('c', 'r3'));
    await append(end('c', 'r3'));
    assert.equal((await store.load(owner, 'c', 100)).oldestSeq, 8);
  });
});

describe('what is overdue', () => {
  test('comes in the order of its times, so many at once, and each conversation once', async (t) => {
    const { store, append } = await sandbox(t).open();
    for (const [conversationId, untilMs] of [
      ['third', 30],
      ['first', 10],
      ['second', 20],
      ['later', 40],
    ] as const) {
      await append(begin(conversationId, 'r1'));
      await append(waitingFor(conversationId, 'r1', untilMs));
    }
    await append(begin('first', 'r2'));
    await append(waitingFor('first', 'r2', 15));
    assert.deepEqual(await store.overdue(30, 10), ['first', 'second', 'third'].map(ref));
    assert.deepEqual(await store.overdue(30, 2), ['first', 'second'].map(ref));
  });
});

describe('a question to a person', () => {
  const question = row({
    id: 'q1',
    type: 'meta',
    role: null,
    content: null,
    request_id: 'r1',
    extra: { kind: 'approval_request', interrupt_id: 'q1' },
  });
  const answer = row({
    id: 'q1:response',
    type: 'meta',
    role: null,
    content: null,
    request_id: 'r1',
    extra: { kind: 'response', interrupt_id: 'q1', decision: 'deny' },
  });

  test('is known with its decision, which is null until it is answered', async (t) => {
    const { store, append } = await sandbox(t).open();
    await append(begin('c', 'r1'));
    assert.equal(await store.interrupt(owner, 'c', 'q1'), null);
    await append({ ...waitingFor('c', 'r1', 1000), rows: [question] });
    assert.deepEqual(await store.interrupt(owner, 'c', 'q1'), { decision: null, question: question.extra });
    await append({ ...waitingFor('c', 'r1', null), rows: [answer] });
    assert.deepEqual(await store.interrupt(owner, 'c', 'q1'), { decision: 'deny', question: question.extra });
  });

  test('is known in its own conversation only, to its owner only, and nothing else is one', async (t) => {
    const { store, append } = await sandbox(t).open();
    await append(begin('c', 'r1', { id: 'm1' }));
    await append(begin('d', 'r1'));
    await append({ ...ref('c'), rows: [question, answer] });
    const asked = [
      store.interrupt(owner, 'd', 'q1'),
      store.interrupt(owner, 'unknown', 'q1'),
      store.interrupt('eve', 'c', 'q1'),
      store.interrupt(owner, 'c', 'q1:response'),
      store.interrupt(owner, 'c', 'm1'),
      store.interrupt(owner, 'c', 'q2'),
    ];
    assert.deepEqual(await Promise.all(asked), [null, null, null, null, null, null]);
  });
});

describe('the list of what waits for people', () => {
  test('has those of all owners, the first to expire first, page by page', async (t) => {
    const { store, append } = await sandbox(t).open();
    for (const [whose, conversationId, untilMs] of [
      ['ann', 'late', 3000],
      ['bob', 'soon', 1000],
      ['ann', 'then', 2000],
    ] as const) {
      await append({ ...begin(conversationId, 'r1', { content: `Title of ${conversationId}` }), owner: whose });
      await append({ ...waitingFor(conversationId, 'r1', untilMs), owner: whose });
    }
    await append(begin('busy', 'r1'));
    const { conversations, total } = await store.waitingForPeople({ limit: 2, offset: 0 });
    assert.deepEqual(
      conversations.map(({ updatedAt: _, ...each }) => each),
      [
        { owner: 'bob', conversationId: 'soon', title: 'Title of soon', untilMs: 1000 },
        { owner: 'ann', conversationId: 'then', title: 'Title of then', untilMs: 2000 },
      ],
    );
    assert.equal(total, 3);
    assert.deepEqual(
      (await store.waitingForPeople({ limit: 2, offset: 2 })).conversations.map((each) => each.conversationId),
      ['late'],
    );
    assert.deepEqual(
      await store.titles([
        { owner: 'ann', conversationId: 'late' },
        { owner: 'bob', conversationId: 'late' },
      ]),
      ['Title of late', null],
    );
  });
});
