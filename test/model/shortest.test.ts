/** Tests that a failing flow is reduced to the moves that it needs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stories } from '../proof/stories.ts';
import { worldsOf } from '../proof/story-worlds.ts';
import type { Move } from '../proof/moves.ts';
import { startWithHops } from './flows.ts';
import { shortestFailing } from './shortest.ts';

const from = startWithHops(3);
const moves = worldsOf(stories['two hops'] ?? [], from).at(-1)?.path ?? [];
const wordsOf = (path: readonly Move[]) => path.map(({ do: word }) => word).join(' ');

test('a fault that needs one call is reduced to the shortest way to a call', async () => {
  const shortest = await shortestFailing(moves, {
    from,
    maxTries: 100,
    fails: async (shorter) => shorter.some(({ do: word }) => word === 'call'),
  });
  assert.equal(wordsOf(shortest), 'chat read commit read ask commit call');
});

test('a fault that needs everything is not reduced', async () => {
  assert.deepEqual(await shortestFailing(moves, { from, maxTries: 100, fails: async () => false }), moves);
});

test('only flows that the chart allows are played, and at most `maxTries`', async () => {
  const played: string[] = [];
  await shortestFailing(moves, { from, maxTries: 5, fails: async (shorter) => played.push(wordsOf(shorter)) < 0 });
  assert.deepEqual(played, [
    'chat',
    'chat read',
    'chat read commit',
    'chat read commit read',
    'chat read commit read ask',
  ]);
});
