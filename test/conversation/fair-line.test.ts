/** Whose turn it is where only so many may be at something, level by level. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createFairSemaphore, type FairKey } from '../../src/scheduling/fair-queue.ts';

/** Places are written `owner/conversation/call`. */
function lineOf(most: number) {
  const line = createFairSemaphore({ most: () => most });
  const granted: string[] = [];
  const placeOf = (name: string): FairKey => {
    const [owner = '', ...rest] = name.split('/');
    return [owner, ...rest];
  };
  return {
    line,
    granted,
    ask: (...names: string[]) => names.map((name) => line.acquire(placeOf(name), () => granted.push(name))),
    release: (...names: string[]) => names.forEach((name) => line.release(placeOf(name))),
  };
}

describe('a fair line', () => {
  test('lets in as many as may be, and the others as room is made', () => {
    const { ask, release, granted } = lineOf(2);
    assert.deepEqual(ask('a/1/x', 'a/1/y', 'a/1/z', 'b/1/x'), [0, 0, 1, 2]);
    release('a/1/y', 'a/1/x');
    assert.deepEqual(granted, ['a/1/x', 'a/1/y', 'a/1/z', 'b/1/x']);
  });

  test('serves owners in turn, and within one its conversations in turn, and within those who came first', () => {
    const { ask, release, granted } = lineOf(1);
    ask('first', 'a/1/x', 'a/1/y', 'a/1/z', 'a/2/x', 'b/1/x', 'b/1/y');
    for (const name of ['first', 'a/1/x', 'b/1/x', 'a/2/x', 'b/1/y', 'a/1/y']) release(name);
    assert.deepEqual(granted, ['first', 'a/1/x', 'b/1/x', 'a/2/x', 'b/1/y', 'a/1/y', 'a/1/z']);
  });

  test('forgets who gives up, twice too, and who never asked', () => {
    const { ask, release, granted, line } = lineOf(1);
    ask('first', 'a/1/x', 'a/1/y');
    release('a/1/x', 'a/1/x', 'a/2/x', 'c/1/x');
    assert.equal(line.queued(), 1);
    release('first', 'first');
    assert.deepEqual([granted, line.queued()], [['first', 'a/1/y'], 0]);
    release('a/1/y');
    assert.deepEqual(ask('b/1/x'), [0]);
  });
});
