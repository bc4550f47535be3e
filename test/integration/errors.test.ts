/**
 * Every code of the table of errors, brought about: that it comes, that it is as retryable as the table says, and
 * that its data has what its remedy sends people to look for. What else a fault does is told where it belongs.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errorCodes, faultData, type ErrorEntry } from '../../src/error-codes.ts';
import { sharedOut } from '../support/day.ts';
import { providerProvocations } from '../support/provider-provocations.ts';
import { provocations, type Provocation } from '../support/provocations.ts';

const table = new Map<string, ErrorEntry>(Object.entries(errorCodes));
const ways = new Map<string, Provocation>(Object.entries({ ...provocations, ...providerProvocations }));

test('there is a way to every code, and none to another', () => {
  assert.deepEqual([...ways.keys()].toSorted(), [...table.keys()].toSorted());
});

/** Each code is brought about by a server of its own. */
const notToday = sharedOut(3);

describe('the code', { concurrency: 2 }, () => {
  for (const [at, [code, { retryable, remedy, data = [] }]] of [...table].entries()) {
    test(code, { skip: notToday(at) }, async (t) => {
      const told = await ways.get(code)?.(t);
      assert.ok(told);
      assert.deepEqual([told.code, told.retryable], [code, retryable]);
      const known: readonly string[] = data;
      assert.deepEqual(
        Object.keys(told.data).filter((key) => !known.includes(key)),
        [],
        'what the table does not know',
      );
      for (const [, key = ''] of remedy.matchAll(/`data\.(\w+)`/g))
        assert.ok(key in told.data, `the remedy sends people to data.${key}`);
    });
  }
});

test('the table has a line of cause and another of remedy for each', () => {
  const line = /^[A-Z].{8,140}\.$/;
  assert.deepEqual(
    [...table].filter(([, { cause, remedy }]) => !line.test(cause) || !line.test(remedy) || cause === remedy),
    [],
  );
});

test('the table explains no data that no code has', () => {
  const used = new Set<string>([...table.values()].flatMap(({ data = [] }) => data));
  assert.deepEqual(
    Object.keys(faultData).filter((key) => !used.has(key)),
    [],
  );
});
