/** The list of conversations in memory, when there are many: the newest that fit, how many stand where, and nobody held up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listLive } from '../../src/inspect/live-list.ts';

const many = Array.from({ length: 5000 }, (_, index) => ({
  ref: { owner: index % 2 === 0 ? 'alice' : 'bob', conversationId: `c${index}` },
  lastActiveMs: index,
  state: () => ({ state: { value: index % 10 === 0 ? 'turn.streaming' : 'idle', hop: 0, can: [] }, running: null }),
}));

test('the most recently active come first, and no more than a person reads', async () => {
  const { conversations, states } = await listLive(() => many, { search: '', state: '', limit: 200 });
  assert.equal(conversations.length, 200);
  assert.deepEqual(
    conversations.slice(0, 3).map(({ conversationId }) => conversationId),
    ['c4999', 'c4998', 'c4997'],
  );
  assert.deepEqual(states, { 'turn.streaming': 500, idle: 4500 });
});

test('the search is for ids and owners, and a state is one with all that lie in it', async () => {
  const found = async (search: string, state: string) =>
    (await listLive(() => many, { search, state, limit: 200 })).conversations.map(
      ({ conversationId }) => conversationId,
    );
  assert.deepEqual(await found('C499', 'turn'), ['c4990']);
  assert.deepEqual(await found('c4999', 'turn'), []);
  assert.equal((await found('bob', 'turn.streaming')).length, 0);
  assert.equal((await found('alice', 'turn.streaming')).length, 200);
});

test('others get their turn while it looks', async () => {
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
