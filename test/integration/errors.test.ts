/**
 * Every code of the table of errors, brought about: that it comes, that it is as retryable as the table says, and
 * that its data has what its remedy sends people to look for. What else a fault does is told where it belongs.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errorCodes, faultData, type ErrorEntry } from '../../src/error-codes.ts';
import { providerErrorScenarios } from './provider-error-scenarios.ts';
import { errorScenarios, type ErrorScenario } from './error-scenarios.ts';

const table = new Map<string, ErrorEntry>(Object.entries(errorCodes));
const scenarios = new Map<string, ErrorScenario>(Object.entries({ ...errorScenarios, ...providerErrorScenarios }));

test('there is a way to every code, and none to another', () => {
  assert.deepEqual([...scenarios.keys()].toSorted(), [...table.keys()].toSorted());
});

describe('the code', { concurrency: 2 }, () => {
  for (const [code, { retryable, remedy, data = [] }] of table) {
    test(code, async (t) => {
      const fault = await scenarios.get(code)?.(t);
      assert.ok(fault);
      assert.deepEqual([fault.code, fault.retryable], [code, retryable]);
      const known: readonly string[] = data;
      assert.deepEqual(
        Object.keys(fault.data).filter((key) => !known.includes(key)),
        [],
        'what the table does not know',
      );
      for (const [, key = ''] of remedy.matchAll(/`data\.(\w+)`/g))
        assert.ok(key in fault.data, `the remedy sends people to data.${key}`);
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
