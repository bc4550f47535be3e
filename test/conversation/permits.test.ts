/** Whose turn is next when as many are at work as may be. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPermits } from '../../src/scheduling/turn-permits.ts';

function line(most: number) {
  const permits = createPermits({ most });
  const granted: string[] = [];
  const ref = (name: string) => ({ owner: name.charAt(0), conversationId: name });
  return {
    permits,
    granted,
    ask: (name: string) => permits.acquire(ref(name), () => granted.push(name)),
    release: (name: string) => permits.release(ref(name)),
  };
}

describe('permits', () => {
  test('are granted at once while there is room, and in the order of asking after that', () => {
    const { ask, release, granted, permits } = line(2);
    assert.deepEqual(['a1', 'a2', 'a3', 'a4'].map(ask), [0, 0, 1, 2]);
    assert.deepEqual(granted, ['a1', 'a2']);
    release('a2');
    assert.deepEqual([granted.at(-1), permits.queued()], ['a3', 1]);
  });

  test('go to each owner in turn, however many conversations one has in line', () => {
    const { ask, release, granted } = line(1);
    for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'b2']) ask(name);
    for (const name of ['a1', 'a2', 'b1', 'c1', 'a3', 'b2']) release(name);
    assert.deepEqual(granted, ['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
  });

  test('are asked for anew for each turn: who comes back stands behind those who wait', () => {
    const { ask, release, granted } = line(1);
    for (const name of ['a1', 'a2']) ask(name);
    release('a1');
    ask('a1');
    release('a2');
    assert.deepEqual(granted, ['a1', 'a2', 'a1']);
  });

  test('may be given up in line, twice, or by those who have none', () => {
    const { ask, release, granted, permits } = line(1);
    for (const name of ['a1', 'a2', 'a3']) ask(name);
    for (const name of ['a2', 'a2', 'x1']) release(name);
    assert.deepEqual([granted, permits.queued()], [['a1'], 1]);
    release('a1');
    release('a1');
    assert.deepEqual([granted, permits.queued()], [['a1', 'a3'], 0]);
    release('a3');
    ask('a4');
    assert.equal(granted.at(-1), 'a4');
  });
});
