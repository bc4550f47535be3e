/** Tests the order in which a fair queue grants places, level by level. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createFairSemaphore, type FairKey } from '../../src/scheduling/fair-semaphore.ts';

/** Places are written `owner/conversation/call`. */
function queueOf(most: number, mostOfLevel: number[] = []) {
  const queue = createFairSemaphore({ most: () => most, mostOfLevel: () => mostOfLevel });
  const granted: string[] = [];
  const placeOf = (name: string): FairKey => {
    const [owner = '', ...rest] = name.split('/');
    return [owner, ...rest];
  };
  return {
    queue,
    granted,
    ask: (...names: string[]) => names.map((name) => queue.acquire(placeOf(name), () => granted.push(name))),
    release: (...names: string[]) => names.forEach((name) => queue.release(placeOf(name))),
  };
}

describe('a fair queue', () => {
  test('grants as many places as exist, and the others as places become free', () => {
    const { ask, release, granted } = queueOf(2);
    assert.deepEqual(ask('a/1/x', 'a/1/y', 'a/1/z', 'b/1/x'), [0, 0, 1, 2]);
    release('a/1/y', 'a/1/x');
    assert.deepEqual(granted, ['a/1/x', 'a/1/y', 'b/1/x', 'a/1/z']);
  });

  test('serves owners round-robin, within an owner its conversations, and within those the oldest call', () => {
    const { ask, release, granted } = queueOf(1);
    ask('first', 'a/1/x', 'a/1/y', 'a/1/z', 'a/2/x', 'b/1/x', 'b/1/y');
    for (const name of ['first', 'a/1/x', 'b/1/x', 'a/2/x', 'b/1/y', 'a/1/y']) release(name);
    assert.deepEqual(granted, ['first', 'a/1/x', 'b/1/x', 'a/2/x', 'b/1/y', 'a/1/y', 'a/1/z']);
  });

  test('gives an owner no more than half of the places while another waits, those that it has included', () => {
    const { ask, release, granted } = queueOf(4);
    ask('a/1/1', 'a/1/2', 'a/1/3', 'a/1/4', 'a/1/5', 'a/1/6', 'b/1/1', 'b/1/2', 'b/1/3');
    release('a/1/1', 'a/1/2');
    assert.deepEqual(granted.slice(4), ['b/1/1', 'b/1/2']);
    release('a/1/3');
    assert.equal(granted.at(-1), 'a/1/5');
    release('b/1/1');
    assert.equal(granted.at(-1), 'b/1/3');
  });

  test('gives an owner all places while no other waits', () => {
    const { ask, granted } = queueOf(3);
    ask('b/1/1', 'a/1/1', 'a/1/2', 'a/1/3');
    assert.deepEqual(granted, ['b/1/1', 'a/1/1', 'a/1/2']);
  });

  test('leaves no place unused because of the share of an owner', () => {
    const { ask, release, granted } = queueOf(4, [Infinity, 1]);
    ask('a/1/1', 'a/2/1', 'b/1/1', 'b/1/2', 'a/3/1');
    assert.deepEqual(granted, ['a/1/1', 'a/2/1', 'b/1/1', 'a/3/1']);
    release('b/1/1');
    assert.equal(granted.at(-1), 'b/1/2');
  });

  test('drops requests that are released, also twice, and ignores unknown ones', () => {
    const { ask, release, granted, queue } = queueOf(1);
    ask('first', 'a/1/x', 'a/1/y');
    release('a/1/x', 'a/1/x', 'a/2/x', 'c/1/x');
    assert.equal(queue.queued(), 1);
    release('first', 'first');
    assert.deepEqual([granted, queue.queued()], [['first', 'a/1/y'], 0]);
    release('a/1/y');
    assert.deepEqual(ask('b/1/x'), [0]);
  });

  test('holds back an owner at its limit, and serves the others', () => {
    const { ask, release, granted } = queueOf(3, [2, 1]);
    assert.deepEqual(ask('a/1/x', 'a/1/y', 'a/2/x', 'a/3/x', 'b/1/x', 'b/2/x'), [0, 1, 0, 2, 0, 3]);
    release('b/1/x');
    assert.deepEqual(granted, ['a/1/x', 'a/2/x', 'b/1/x', 'b/2/x']);
    release('a/2/x', 'a/1/x');
    assert.deepEqual(granted.slice(4), ['a/3/x', 'a/1/y']);
  });
});
