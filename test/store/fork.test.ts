/** Tests forks: where they may be made, what they hold, and that a long one is invisible and blocks no append. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { waitFor } from 'xstate';
import type { LogRow } from '../../machines/log.ts';
import { check } from '../../src/cli/check.ts';
import type { Store } from '../../src/store/port.ts';
import { bareTable, begin, elsewhere, end, meanwhile, owner, row, sandbox } from './support.ts';
import type { Opened, Sandbox } from './support.ts';

const unswept = { first: 1_000_000, betweenSlices: 1, betweenRounds: 1_000_000 };

async function fill({ append }: Pick<Opened, 'append'>, ...turns: string[]): Promise<void> {
  for (const turn of turns) {
    await append(begin('c', turn, { token_count: 10 }));
    await append(end('c', turn, { token_count: 5 }));
  }
}

async function forked(store: Store, atSeq: number): Promise<string> {
  const outcome = await store.fork(owner, 'c', atSeq);
  assert.ok(outcome.status === 'forked', JSON.stringify(outcome));
  return outcome.conversationId;
}

const rowsOf = async (store: Store, conversationId: string) =>
  (await store.page(owner, conversationId, { limit: 1000 }))?.rows ?? [];

/** What a copy shares with its original. */
const content = (rows: readonly LogRow[]) => rows.map(({ id: _, conversation_id: __, ...rest }) => rest);

function assertSound({ path }: Pick<Sandbox, 'path'>): void {
  assert.match([...check(path).lines].join('\n'), /Everything is in order/);
}

describe('a fork', () => {
  test('holds the rows up to the end of a turn, under the same seqs and new ids', async (t) => {
    const box = sandbox(t);
    const clock = { now: Date.UTC(2026, 0, 1) };
    const { store, append } = await box.open({ now: () => clock.now });
    await fill({ append }, 'r1', 'r2', 'r3');
    clock.now += 60_000;
    const fork = await forked(store, 6);
    const [origin, copy] = [await rowsOf(store, 'c'), await rowsOf(store, fork)];
    assert.deepEqual(content(copy), content(origin.slice(0, 6)));
    assert.ok(copy.every((each) => each.conversation_id === fork));
    assert.equal(new Set([...origin, ...copy].map(({ id }) => id)).size, 15);
    const [newest] = (await store.conversations(owner, { limit: 1 }))?.conversations ?? [];
    const now = new Date(clock.now).toISOString();
    assert.deepEqual(newest, {
      conversationId: fork,
      title: 'Hello',
      createdAt: now,
      updatedAt: now,
      messageCount: 4,
      tokens: 30,
      spentTokens: 0,
      cost: 0,
      headSeq: 6,
      activity: 'idle',
    });
    assertSound(box);
  });

  test('goes on by itself, and so does its origin', async (t) => {
    const box = sandbox(t);
    const { store, append } = await box.open();
    await fill({ append }, 'r1', 'r2');
    const fork = await forked(store, 3);
    await append(begin(fork, 'new'));
    await append(end(fork, 'new'));
    await fill({ append }, 'r3');
    assert.deepEqual(
      (await rowsOf(store, fork)).map((each) => each.request_id),
      ['r1', 'r1', 'r1', 'new', 'new', 'new'],
    );
    assert.deepEqual(
      (await rowsOf(store, 'c')).map(({ seq }) => seq),
      [1, 2, 3, 4, 5, 6, 7, 8, 9],
    );
    assertSound(box);
  });

  test('knows the turns it was made with, and those behind its end no more', async (t) => {
    const { store, append } = await sandbox(t).open();
    await fill({ append }, 'r1', 'r2');
    const fork = await forked(store, 3);
    assert.deepEqual(await append(begin(fork, 'r1')), { status: 'duplicate', ended: true });
    assert.deepEqual(await append({ ...begin(fork, 'r1'), begin: { requestId: 'r1', digest: 'other' } }), {
      status: 'reused',
    });
    const replayed = await store.turn(owner, fork, 'r1');
    assert.deepEqual(
      [replayed?.rows.map(({ seq }) => seq), replayed?.end],
      [[1, 2, 3], { status: 'complete', requestId: 'r1' }],
    );
    const again = await append(begin(fork, 'r2'));
    assert.equal(again.status === 'stored' && again.rows[0]?.seq, 4);
  });

  test('can be forked in its turn, and of one origin there may be many', async (t) => {
    const box = sandbox(t);
    const { store, append } = await box.open();
    await fill({ append }, 'r1', 'r2');
    const [first, second] = await Promise.all([forked(store, 6), forked(store, 6)]);
    const outcome = await store.fork(owner, first, 3);
    assert.ok(outcome.status === 'forked');
    assert.equal(new Set(['c', first, second, outcome.conversationId]).size, 4);
    assertSound(box);
  });

  test('of a log without its oldest turns lacks them too', async (t) => {
    const box = sandbox(t);
    const { store, append } = await box.open({ retention: { policy: 'message_count', maxMessages: 4 } });
    await fill({ append }, 'r1', 'r2', 'r3');
    const fork = await forked(store, 6);
    const { headSeq, oldestSeq, rows } = await store.load(owner, fork, 1000);
    assert.deepEqual([headSeq, oldestSeq, rows.map(({ seq }) => seq)], [6, 4, [4, 5, 6]]);
    assert.deepEqual(
      await append(begin(fork, 'r1')),
      { status: 'duplicate', ended: true },
      'identity outlives rows here too',
    );
    assert.deepEqual(await store.fork(owner, 'c', 3), { status: 'misplaced', nearest: [6] });
    assertSound(box);
  });

  test('of a database in memory is no different', async (t) => {
    const { store, append } = await sandbox(t).open({ memory: true });
    await fill({ append }, 'r1', 'r2');
    assert.deepEqual(
      (await rowsOf(store, await forked(store, 3))).map(({ seq }) => seq),
      [1, 2, 3],
    );
  });

  test('of a log that was taken over from another program is as sound as that', async (t) => {
    const box = sandbox(t);
    elsewhere(box.path, (db) =>
      db.exec(`${bareTable};
      INSERT INTO chat_events (id, conversation_id, seq, type, content, request_id) VALUES
        ('a', 'c', 1, 'system_update', 'Be kind', NULL), ('b', 'c', 2, 'user_message', 'Hi', ''), ('c', 'c', 3, 'assistant_message', 'Hello', ''),
        ('d', 'c', 4, 'user_message', 'Bye', 'x')`),
    );
    const { store } = await box.open({ legacyOwner: owner });
    assert.deepEqual(
      (await rowsOf(store, await forked(store, 3))).map((each) => each.content),
      ['Be kind', 'Hi', 'Hello'],
    );
    assertSound(box);
  });
});

describe('the place of a fork', () => {
  /** Seq by seq from 1. */
  const nearestOf = async (store: Store, headSeq: number) => {
    const found: (number[] | string)[] = [];
    for (let seq = 1; seq <= headSeq; seq += 1) {
      const outcome = await store.fork(owner, 'c', seq);
      found.push(outcome.status === 'misplaced' ? outcome.nearest : outcome.status);
    }
    return found;
  };

  test('is the end of a turn; elsewhere the nearest ones are returned', async (t) => {
    const { store, append } = await sandbox(t).open();
    await fill({ append }, 'r1', 'r2');
    assert.deepEqual(await nearestOf(store, 7), [[3], [3], 'forked', [3, 6], [3, 6], 'forked', [6]]);
  });

  test('is not where a message waits in the queue, or a turn runs', async (t) => {
    const { store, append } = await sandbox(t).open();
    await append(begin('c', 'r1'));
    assert.deepEqual(await store.fork(owner, 'c', 1), { status: 'misplaced', nearest: [] });
    await append(begin('c', 'r2'));
    await append(end('c', 'r1'));
    assert.deepEqual(await store.fork(owner, 'c', 4), { status: 'misplaced', nearest: [] }, 'r2 is open there');
    await append(end('c', 'r2'));
    await append(begin('c', 'r3'));
    assert.deepEqual(await nearestOf(store, 8), [[6], [6], [6], [6], [6], 'forked', [6], [6]]);
  });

  test('is not in an unknown, foreign or deleted conversation', async (t) => {
    const { store, append } = await sandbox(t).open();
    await fill({ append }, 'r1');
    await store.remove(owner, 'c');
    await append({ ...begin('hers', 'r1'), owner: 'eve' });
    await append({ ...end('hers', 'r1'), owner: 'eve' });
    for (const conversationId of ['c', 'hers', 'unknown']) {
      const outcome = await store.fork(owner, conversationId, 3);
      assert.equal(outcome.status === 'failed' && outcome.fault.code, 'not_found');
    }
  });
});

/** Far more rows than a slice copies. */
const longTurns = 300;
const longRows = longTurns * 67;

async function fillLong({ append }: Pick<Opened, 'append'>): Promise<void> {
  const results = Array.from({ length: 64 }, () =>
    row({ type: 'system_update', role: 'system', content: 'x'.repeat(200) }),
  );
  await Promise.all(
    Array.from({ length: longTurns }, async (_, turn) => {
      void append(begin('c', `r${turn}`));
      void append({ conversationId: 'c', owner, rows: results.map((each) => ({ ...each, request_id: `r${turn}` })) });
      await append(end('c', `r${turn}`));
    }),
  );
}

/** Resolves when the first slice of a fork is copied; the conversation `other` goes on meanwhile. */
async function copyingHasBegun(
  { path }: Sandbox,
  { append }: Pick<Opened, 'append'>,
  forking: Promise<unknown>,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  forking.finally(() => reject(new Error('the fork ended before the test saw it'))).catch(() => undefined);
  await meanwhile(promise, async (index) => {
    await append(begin('other', `beside ${index}`));
    if (elsewhere(path, (db) => db.prepare('SELECT * FROM pending_deletions').get() !== undefined)) resolve();
  });
  return promise;
}

/** A fork of which the first slice is copied; what is done until `whole` is asked must find it unfinished. */
async function startFork(box: Sandbox, opened: Pick<Opened, 'store' | 'append'>, atSeq: number) {
  const forking = forked(opened.store, atSeq);
  const unmade = new Set([forking]);
  forking.finally(() => unmade.clear()).catch(() => undefined);
  await copyingHasBegun(box, opened, forking);
  return {
    whole() {
      assert.equal(unmade.size, 1, 'it was being made all that while');
      return forking;
    },
  };
}

describe('a long fork', () => {
  test('lets others through, who see nothing of it before it is whole', async (t) => {
    const box = sandbox(t);
    const opened = await box.open({ sweepDelaysMs: unswept });
    await fillLong(opened);
    const { store, append } = opened;
    const forking = forked(store, longRows);
    const seen: number[] = [];
    const through = await meanwhile(forking, async (index) => {
      await append(begin('other', `r${index}`));
      seen.push((await store.conversations(owner, { limit: 10 }))?.conversations.length ?? 0);
    });
    assert.ok(through > 4, `${through} appends came through`);
    // The reader may see it before the writer reports it.
    assert.deepEqual(new Set(seen.slice(0, -2)), new Set([2]));
    const { headSeq, oldestSeq } = await store.load(owner, await forking, 0);
    assert.deepEqual([headSeq, oldestSeq], [longRows, 1]);
    assertSound(box);
  });

  test('is whole although its origin is trimmed meanwhile, which then waits for the next end of a turn', async (t) => {
    const box = sandbox(t);
    const { store, append } = await box.open({
      retention: { policy: 'message_count', maxMessages: 2 },
      sweepDelaysMs: unswept,
    });
    await append(begin('c', 'r0'));
    await append({
      conversationId: 'c',
      owner,
      rows: Array.from({ length: longRows }, () => row({ type: 'system_update', request_id: 'r0' })),
    });
    await append(end('c', 'r0'));
    const copying = await startFork(box, { store, append }, longRows + 3);
    await fill({ append }, 'r1');
    const { oldestSeq } = await store.load(owner, await copying.whole(), 0);
    assert.equal(oldestSeq, 1);
    assertSound(box);
    await fill({ append }, 'r2');
    assert.equal((await store.load(owner, 'c', 0)).oldestSeq, longRows + 7);
  });

  test('is whole although its origin is deleted meanwhile, whose rows then go', async (t) => {
    const box = sandbox(t);
    const rest = 2_000_000;
    const opened = await box.open({ sweepDelaysMs: { first: 1_000_000, betweenSlices: 1, betweenRounds: rest } });
    const { store, append, writer } = opened;
    await fillLong(opened);
    const copying = await startFork(box, opened, longRows);
    assert.equal(await store.remove(owner, 'c'), true);
    assert.equal((await store.load(owner, 'c', 0)).known, false);
    await append(begin('other', 'last'));
    const { headSeq, oldestSeq } = await store.load(owner, await copying.whole(), 0);
    assert.deepEqual([headSeq, oldestSeq], [longRows, 1]);
    assertSound(box);
    await waitFor(writer, ({ context }) => context.sweepInMs === rest);
    assert.equal(
      elsewhere(box.path, (db) =>
        db.prepare(`SELECT COUNT(*) FROM chat_events WHERE conversation_id = 'c'`).pluck().get(),
      ),
      0,
    );
    assertSound(box);
  });

  test('that a stop interrupts is invisible, and the next start deletes its rows', async (t) => {
    const box = sandbox(t);
    const first = await box.open({ sweepDelaysMs: unswept });
    await fillLong(first);
    const forking = first.store.fork(owner, 'c', longRows);
    await copyingHasBegun(box, first, forking);
    await first.store.close();
    const outcome = await forking;
    assert.equal(outcome.status === 'failed' && outcome.fault.code, 'shutting_down');
    const copied = () =>
      elsewhere(box.path, (db) =>
        db
          .prepare<[], number>(`SELECT COUNT(*) FROM chat_events WHERE conversation_id NOT IN ('c', 'other')`)
          .pluck()
          .get(),
      );
    assert.ok(Number(copied()) > 0);
    assertSound(box);
    const rest = 2_000_000;
    const { store, writer } = await box.open({ sweepDelaysMs: { first: 1, betweenSlices: 1, betweenRounds: rest } });
    assert.equal((await store.conversations(owner, { limit: 10 }))?.conversations.length, 2);
    await waitFor(writer, ({ context }) => context.sweepInMs === rest);
    assert.equal(copied(), 0);
    assert.equal(
      elsewhere(box.path, (db) =>
        db.prepare(`SELECT COUNT(*) FROM turns WHERE conversation_id <> 'other'`).pluck().get(),
      ),
      longTurns,
    );
  });

  test('is refused when too many are being made, and only then', async (t) => {
    const { store, append } = await sandbox(t).open();
    await fill({ append }, 'r1');
    const outcomes = await Promise.all(Array.from({ length: 40 }, () => store.fork(owner, 'c', 3)));
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'failed' ? [outcome.fault] : []));
    assert.equal(outcomes.filter(({ status }) => status === 'forked').length, 32);
    assert.deepEqual(
      new Set(refused.map(({ code, data }) => `${code} ${JSON.stringify(data)}`)),
      new Set(['overloaded {"retry_after_ms":1000}']),
    );
    assert.equal((await store.fork(owner, 'c', 3)).status, 'forked');
  });
});
