/** Tests the thread that validates: slow schemas cost the main thread no time, and each of them runs once. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { createArgumentValidator } from '../../src/mcp/validation/argument-validator.ts';

const slowSchema = () => ({ type: 'object', properties: { a: { type: 'string', pattern: '^(x+)+$' } } });
const slowValue = { a: `${'x'.repeat(50)}!` };
const tooLong = { valid: null, reason: 'the check takes too long' };

function open(t: TestContext) {
  const validator = createArgumentValidator();
  t.after(() => validator.close());
  return validator;
}

/** CPU time of the main thread in ms, without that of other threads. */
const busyMs = () => process.threadCpuUsage().user / 1000;

describe('the validator of arguments and forms', () => {
  test('returns results in the order of the checks', async (t) => {
    const { validate } = open(t);
    const schema = { type: 'object', properties: { a: { type: 'number' } } };
    const results = await Promise.all([validate(schema, { a: 1 }), validate(schema, { a: 'x' })]);
    assert.deepEqual(
      results.map(({ valid }) => valid),
      [true, false],
    );
  });

  test('keeps a slow pattern off the main thread', async (t) => {
    const { validate } = open(t);
    await validate({}, {});
    const before = busyMs();
    assert.deepEqual(await validate(slowSchema(), slowValue), tooLong);
    assert.ok(busyMs() - before < 125, 'the check itself has 250 ms');
  });

  test('runs a slow schema once, also if its text comes again in another object', async (t) => {
    const { validate } = open(t);
    assert.deepEqual(await validate(slowSchema(), { a: 'xxx' }), { valid: true });
    const results = await Promise.all(Array.from({ length: 200 }, () => validate(slowSchema(), slowValue)));
    assert.ok(results.every(({ valid }) => valid === null));
    assert.deepEqual(await validate(slowSchema(), { a: 'xxx' }), tooLong, 'it is not tried again');
  });

  test('queues a limited number of checks', async (t) => {
    const { validate } = open(t);
    const results = await Promise.all(Array.from({ length: 257 }, () => validate({}, {})));
    assert.deepEqual(results.at(-1), { valid: null, reason: 'too many checks are queued; try again later' });
    assert.ok(results.slice(0, -1).every(({ valid }) => valid === true));
  });

  test('survives a schema whose errors double with each level', async (t) => {
    const { validate } = open(t);
    const levels = Array.from({ length: 60 }, (_, level) => [
      `l${level}`,
      level === 0 ? { type: 'number' } : { allOf: [1, 2].map(() => ({ $ref: `#/$defs/l${level - 1}` })) },
    ]);
    const schema = { $defs: Object.fromEntries(levels), properties: { a: { $ref: '#/$defs/l59' } } };
    assert.deepEqual(await validate(schema, { a: 'x' }), tooLong);
    assert.deepEqual(await validate({ type: 'object' }, {}), { valid: true });
  });

  test('gives no result for a check that runs when it closes', async (t) => {
    const validator = open(t);
    const running = validator.validate(slowSchema(), slowValue);
    await validator.close();
    assert.equal((await running).valid, null);
  });
});
