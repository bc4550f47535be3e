/** Checks the order in which a fair queue grants its places, level by level. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createFairLine, type Place } from '../../src/scheduling/fair-queue.ts';

/** Keys are written `owner/conversation/call`. */
function lineOf(most: number) {
  const line = createFairLine({ most: () => most });
  const granted: string[] = [];
  const placeOf = (name: string): Place => {
    const [owner = '', ...rest] = name.split('/');
    return [owner, ...rest];
  };
  return {
    line,
    granted,
    ask: (...names: string[]) => names.map((name) => line.ask(placeOf(name), () => granted.push(name))),
    release: (...names: string[]) => names.forEach((name) => line.release(placeOf(name))),
  };
}

describe('a fair queue', () => {
  test('grants up to its limit at once, and the rest as places are freed', () => {
    const { ask, release, granted } = lineOf(2);
    assert.deepEqual(ask('a/1/x', 'a/1/y', 'a/1/z', 'b/1/x'), [0, 0, 1, 2]);
    release('a/1/y', 'a/1/x');
    assert.deepEqual(granted, ['a/1/x', 'a/1/y', 'a/1/z', 'b/1/x']);
  });

  test('serves owners round-robin, their conversations round-robin, and requests of one conversation in order', () => {
    const { ask, release, granted } = lineOf(1);
    ask('first', 'a/1/x', 'a/1/y', 'a/1/z', 'a/2/x', 'b/1/x', 'b/1/y');
    for (const name of ['first', 'a/1/x', 'b/1/x', 'a/2/x', 'b/1/y', 'a/1/y']) release(name);
    assert.deepEqual(granted, ['first', 'a/1/x', 'b/1/x', 'a/2/x', 'b/1/y', 'a/1/y', 'a/1/z']);
  });

  test('ignores a release by a request that has left before, or never came', () => {
    const { ask, release, granted, line } = lineOf(1);
    ask('first', 'a/1/x', 'a/1/y');
    release('a/1/x', 'a/1/x', 'a/2/x', 'c/1/x');
    assert.equal(line.waiting(), 1);
    release('first', 'first');
    assert.deepEqual([granted, line.waiting()], [['first', 'a/1/y'], 0]);
    release('a/1/y');
    assert.deepEqual(ask('b/1/x'), [0]);
  });
});
