/** Tests the order in which turns get permits. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPermits } from '../../src/scheduling/turn-permits.ts';

function setUp(most: number) {
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
  test('are granted at once while some are free, then in the order of the requests', () => {
    const { ask, release, granted, permits } = setUp(2);
    assert.deepEqual(['a1', 'a2', 'a3', 'a4'].map(ask), [0, 0, 1, 2]);
    assert.deepEqual(granted, ['a1', 'a2']);
    release('a2');
    assert.deepEqual([granted.at(-1), permits.queued()], ['a3', 1]);
  });

  test('go to owners round-robin, no matter how many conversations of one owner wait', () => {
    const { ask, release, granted } = setUp(1);
    for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'b2']) ask(name);
    for (const name of ['a1', 'a2', 'b1', 'c1', 'a3', 'b2']) release(name);
    assert.deepEqual(granted, ['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
  });

  test('are requested for each turn: a conversation that asks again waits behind the others', () => {
    const { ask, release, granted } = setUp(1);
    for (const name of ['a1', 'a2']) ask(name);
    release('a1');
    ask('a1');
    release('a2');
    assert.deepEqual(granted, ['a1', 'a2', 'a1']);
  });

  test('can be released while they are requested, twice, or without a request', () => {
    const { ask, release, granted, permits } = setUp(1);
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
