/**
 * Causes every error code and checks that it is sent, is as retryable as the table says, and has the data that its
 * remedy names. Other effects of a fault are tested with its subject.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errorCodes, faultData, type ErrorEntry } from '../../src/error-codes.ts';
import { sharedOut } from '../support/daily-sample.ts';
import { providerErrorScenarios } from './provider-error-scenarios.ts';
import { errorScenarios, type ErrorScenario } from './error-scenarios.ts';

const table = new Map<string, ErrorEntry>(Object.entries(errorCodes));
const scenarios = new Map<string, ErrorScenario>(Object.entries({ ...errorScenarios, ...providerErrorScenarios }));

test('every error code has a scenario, and every scenario a code', () => {
  assert.deepEqual([...scenarios.keys()].toSorted(), [...table.keys()].toSorted());
});

/** Each scenario starts a server of its own. */
const notToday = sharedOut(3);

describe('the scenario of the error code', { concurrency: 2 }, () => {
  for (const [at, [code, { retryable, remedy, data = [] }]] of [...table].entries()) {
    test(code, { skip: notToday(at) }, async (t) => {
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
        assert.ok(key in fault.data, `the remedy names data.${key}`);
    });
  }
});

test('every error code has a sentence of cause and a different one of remedy', () => {
  const line = /^[A-Z].{8,140}\.$/;
  assert.deepEqual(
    [...table].filter(([, { cause, remedy }]) => !line.test(cause) || !line.test(remedy) || cause === remedy),
    [],
  );
});

test('every explained key of data belongs to an error code', () => {
  const used = new Set<string>([...table.values()].flatMap(({ data = [] }) => data));
  assert.deepEqual(
    Object.keys(faultData).filter((key) => !used.has(key)),
    [],
  );
});
