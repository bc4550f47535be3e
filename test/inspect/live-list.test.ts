/** Checks the list of many conversations in memory: order, counts by state, and no blocked event loop. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listLive } from '../../src/inspect/live/live-list.ts';

const many = Array.from({ length: 5000 }, (_, index) => ({
  ref: { owner: index % 2 === 0 ? 'alice' : 'bob', conversationId: `c${index}` },
  lastActiveMs: index,
  state: () => ({ state: { value: index % 10 === 0 ? 'turn.streaming' : 'idle', hop: 0, can: [] }, running: null }),
}));

test('the live list starts with the most recently active conversations and respects its limit', async () => {
  const { conversations, states } = await listLive(() => many, { search: '', state: '', limit: 200 });
  assert.equal(conversations.length, 200);
  assert.deepEqual(
    conversations.slice(0, 3).map(({ conversationId }) => conversationId),
    ['c4999', 'c4998', 'c4997'],
  );
  assert.deepEqual(states, { 'turn.streaming': 500, idle: 4500 });
});

test('the live list searches ids and owners, and includes substates of a state', async () => {
  const found = async (search: string, state: string) =>
    (await listLive(() => many, { search, state, limit: 200 })).conversations.map(
      ({ conversationId }) => conversationId,
    );
  assert.deepEqual(await found('C499', 'turn'), ['c4990']);
  assert.deepEqual(await found('c4999', 'turn'), []);
  assert.equal((await found('bob', 'turn.streaming')).length, 0);
  assert.equal((await found('alice', 'turn.streaming')).length, 200);
});

test('the live list yields to the event loop while it reads', async () => {
  let turns = 0;
  let isDone = false;
  const count = () => {
    turns += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  await listLive(() => many, { search: '', state: '', limit: 200 });
  isDone = true;
  assert.ok(turns >= 9, `${turns} turns of the event loop`);
});
