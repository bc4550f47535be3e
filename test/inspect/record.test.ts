/** Checks that rows from the log and live events join in order, without a gap or a repeat, in any order of arrival. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRecord } from '../../src/inspect/page/record.js';
import { createStepList } from '../../src/inspect/page/steps.js';
import { blankFacts } from '../support/blank-facts.ts';

const machine = JSON.stringify({ id: 'conversation', states: {} });
const row = (seq: number) => ({
  seq,
  at_ms: 1000 + seq,
  type: 'user_message',
  request_id: 'r',
  ...blankFacts,
});

/** Simulates a log with its replay and live messages; each row is its own commit. */
function createLog(pieceRows: number) {
  let head = 0;
  let id = 0;
  const rootId = 'log/c1';
  const message = (root: string, kind: string, more: object) => ({
    type: kind,
    rootId: root,
    sessionId: root,
    id: String((id += 1)),
    createdAt: '0',
    ...more,
  });
  const snapshot = { status: 'active', value: 'idle' };
  return {
    head: () => head,
    /** Appends a row and returns its live message. */
    commit() {
      head += 1;
      return {
        ...message('boot/x:0', '@xstate.snapshot', {
          event: { type: 'log.committed', outcome: { status: 'stored', seq: head } },
          snapshot,
          transitions: [],
        }),
        createdAt: String(1000 + head),
      };
    },
    actorMessage: () => message('boot/x:0', '@xstate.actor', { name: 'c1', definition: machine, snapshot }),
    replay(before: number | null) {
      const last = before === null ? head : Math.min(head, before - 1);
      const first = Math.max(1, last - pieceRows + 1);
      const seqs = Array.from({ length: last - first + 1 }, (_, index) => first + index);
      const messages = seqs.map((seq) => ({
        ...message(rootId, '@xstate.snapshot', { event: { type: 'user_message', seq }, snapshot, transitions: [] }),
        id: `${seq}.2`,
      }));
      return {
        messages: [
          { ...message(rootId, '@xstate.actor', { name: 'c1', definition: machine, snapshot }), id: '0' },
          ...messages,
        ],
        rows: seqs.map(row),
        end_state: 'idle',
        head_seq: head,
        before_seq: first > 1 ? first : null,
      };
    },
    after: (seq: number) => ({
      rows: Array.from({ length: Math.min(pieceRows, head - seq) }, (_, index) => row(seq + index + 1)),
      head_seq: head,
    }),
  };
}

/** Returns the same numbers for a seed. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state % below;
  };
}

const ticks = async (count: number) => {
  for (let tick = 0; tick < count; tick += 1) await Promise.resolve();
};

describe('past and present', () => {
  it('form one sequence of all rows in order, in any order of arrival', async () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = createRandom(seed);
      const log = createLog(20);
      for (let rows = random(15); rows > 0; rows -= 1) log.commit();
      const stepList = createStepList();
      const failures: unknown[] = [];
      // Commits before the socket is open have no live message.
      let isFollowed = false;
      const record = createRecord({
        conversationId: 'c1',
        stepList,
        async readPiece() {
          await ticks(random(6));
          const piece = log.replay(null);
          await ticks(random(6));
          return piece;
        },
        async readRows(after) {
          await ticks(random(6));
          const rows = log.after(after);
          await ticks(random(6));
          return rows;
        },
        onChange() {},
        onNews() {},
        onFailure: (error) => failures.push(error),
      });
      const begun = record.begin();
      for (let step = 0; step < 40; step += 1) {
        await ticks(random(4));
        const choice = random(4);
        if (choice === 0 && !isFollowed) {
          isFollowed = true;
          record.live(log.actorMessage());
          void record.catchUp();
        } else if (choice === 1 && isFollowed && random(6) === 0) {
          isFollowed = false;
          record.breakAt('disconnected from the server', 1000 + log.head());
        } else if (choice > 1) {
          const message = log.commit();
          if (isFollowed) record.live(message);
        }
      }
      await begun;
      void record.catchUp();
      await ticks(400);
      const seqs = stepList.steps().flatMap(({ seq }) => (seq === null ? [] : [seq]));
      const first = seqs[0] ?? 1;
      assert.deepEqual(
        seqs,
        Array.from({ length: log.head() - first + 1 }, (_, index) => first + index),
        `seed ${seed}`,
      );
      assert.equal(first, 1, `seed ${seed}`);
      assert.deepEqual(failures, []);
      for (const step of stepList.steps()) {
        if (step.commit === null) continue;
        const [rowAt, at] = [
          stepList.steps().findIndex(({ seq }) => seq === step.commit),
          stepList.steps().indexOf(step),
        ];
        assert.ok(rowAt >= 0 && rowAt < at, `seed ${seed}: row ${step.commit} stands before its commit`);
      }
    }
  });

  it('are left for an old row, and return with the newest rows', async () => {
    const log = createLog(20);
    for (let rows = 0; rows < 100; rows += 1) log.commit();
    const stepList = createStepList();
    const seqs = () => stepList.steps().flatMap(({ seq }) => (seq === null ? [] : [seq]));
    const record = createRecord({
      conversationId: 'c1',
      stepList,
      readPiece: async ({ before }) => log.replay(before === undefined ? null : Number(before)),
      readRows: async (after) => log.after(after),
      onChange() {},
      onNews() {},
      onFailure: assert.ifError,
    });
    await record.begin();
    record.live(log.actorMessage());
    await record.goTo(30);
    assert.ok(seqs().includes(30) && !seqs().includes(100) && record.isDetached());
    record.live(log.commit());
    await ticks(20);
    assert.equal(seqs().includes(101), false, 'live events are not shown beside old rows');
    await record.begin();
    assert.equal(seqs().at(-1), 101);
    assert.equal(record.isDetached(), false);
    await record.earlier();
    assert.deepEqual(
      seqs(),
      Array.from({ length: 40 }, (_, index) => 62 + index),
    );
  });
});
