/** Tests the circuit breaker around a real endpoint. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { ProviderStatus } from '../../src/llm/port.ts';
import { ask, languageModelAt, type AskOptions } from '../support/model/ask.ts';
import { cuts, fails, hangs, says } from '../support/model/replies.ts';
import { startModelServer } from '../support/model/server.ts';
import { eventually } from '../support/eventually.ts';

/** One that opens at the second failure; `after` says how long it cools down. */
async function startCircuit(t: TestContext, cooldownMs: number) {
  const server = await startModelServer();
  t.after(() => server.close());
  const changes: ProviderStatus[] = [];
  const model = languageModelAt(server.url, {
    circuit: { failures: 2, cooldownMs },
    onCircuitChange: (status) => changes.push(status),
  });
  const endOf = async (options: AskOptions = {}) => {
    const { end } = await ask(model, options);
    return end.status === 'failed' ? end.fault.code : end.status;
  };
  return {
    server,
    endOf,
    ask: () => ask(model),
    circuit: () => model.status()[0]?.circuit,
    changes: () => changes.map(({ circuit }) => circuit),
    status: () => model.status(),
    cooled: () => eventually(() => model.status()[0]?.circuit === 'halfOpen', 'the end of the cooling down'),
  };
}

test('after failures in a row nothing is sent any more, and the fault says how long', async (t) => {
  const { server, endOf, ask: askOnce, status } = await startCircuit(t, 60_000);
  server.script(fails(503, 'down'), cuts('torn'));
  assert.deepEqual([await endOf(), await endOf()], ['provider_failed', 'provider_cut']);
  const { end } = await askOnce();
  assert.ok(end.status === 'failed');
  assert.equal(end.fault.code, 'provider_unavailable');
  assert.match(end.fault.message, /"scripted".*Try again in \d+ s.*llm\.fallback/);
  assert.ok(
    end.retryAfterMs !== null && end.retryAfterMs > 50_000 && end.retryAfterMs <= 60_000,
    String(end.retryAfterMs),
  );
  assert.equal(end.fault.data['retry_after_ms'], end.retryAfterMs);
  assert.equal(server.requests.length, 2);
  assert.deepEqual(status(), [
    { name: 'scripted', model: 'configured-model', circuit: 'open', error: 'provider_cut', running: 0, queued: 0 },
  ]);
});

test('a provider that refuses is there: refusals open nothing, and end a row of failures', async (t) => {
  const { server, endOf, circuit } = await startCircuit(t, 60_000);
  const refusals = [
    fails(401, 'no'),
    fails(404, 'no'),
    fails(429, 'slow down'),
    fails(400, 'no'),
    fails(400, 'no', { code: 'context_length_exceeded' }),
  ];
  for (const refusal of refusals) {
    server.script(fails(500, 'oops'), refusal);
    await endOf();
    await endOf();
    assert.equal(circuit(), 'closed');
  }
});

test('when it has cooled down one request finds out, and until that has ended no other is sent', async (t) => {
  const { server, endOf, cooled, changes } = await startCircuit(t, 50);
  server.script(fails(500, 'oops'), fails(500, 'oops'), hangs());
  await endOf();
  await endOf();
  await cooled();
  const patience = new AbortController();
  const probe = endOf({ signal: patience.signal });
  await server.request(3);
  assert.equal(await endOf(), 'provider_unavailable');
  assert.equal(server.requests.length, 3);
  // The probe was cancelled: it proves nothing, so the next request is the probe.
  patience.abort();
  assert.equal(await probe, 'aborted');
  server.script(says('Hello.'));
  assert.equal(await endOf(), 'finished');
  assert.equal(await endOf(), 'finished');
  assert.deepEqual(changes(), ['open', 'halfOpen', 'probing', 'halfOpen', 'probing', 'closed']);
});

test('a probe that fails leaves it alone for as long again', async (t) => {
  const { server, endOf, cooled, circuit } = await startCircuit(t, 50);
  server.script(fails(500, 'oops'), fails(500, 'oops'), fails(500, 'oops'));
  await endOf();
  await endOf();
  await cooled();
  assert.equal(await endOf(), 'provider_failed');
  assert.equal(circuit(), 'open');
});

test('a request whose reader threw counts for nothing', async (t) => {
  const { server, endOf, circuit, cooled } = await startCircuit(t, 50);
  server.script(fails(500, 'oops'), fails(500, 'oops'), says('Hello.'));
  await endOf();
  await endOf();
  await cooled();
  const thrown = endOf({
    onText: () => {
      throw new Error('the sink is broken');
    },
  });
  await assert.rejects(thrown, /the sink is broken/);
  assert.equal(circuit(), 'halfOpen');
});
