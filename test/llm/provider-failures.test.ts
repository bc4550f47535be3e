/**
 * Checks failing providers as a client of the turn sees them: what is retried, after what time, the fallbacks, and a
 * cancel meanwhile.
 */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { Turn } from '../../src/client/turn.ts';
import type { Chunk } from '../../src/protocol/chunks.ts';
import { answersWith, cuts, fails, hangs, says, stalls, streams, type Reply } from '../support/model/replies.ts';
import { startModelServer } from '../support/model/server.ts';
import { chunksOf, endOf, readAll, shownText, startTyped, type RecordedClient } from '../support/typed-client.ts';

const c1 = { conversationId: 'c1' };
const noticesOf = (chunks: readonly Chunk[]) => chunks.flatMap((chunk) => (chunk.type === 'notice' ? [chunk] : []));
const delayOf = (chunks: readonly Chunk[]) => Number(noticesOf(chunks)[0]?.delay_ms);

async function failed(client: RecordedClient, turn: Turn) {
  const { frame } = await endOf(client, turn);
  assert.ok(frame.status === 'error');
  return { chunks: chunksOf(client, turn), error: frame.error };
}

const startImpatient = (t: TestContext, llm: Record<string, unknown> = {}) =>
  startTyped(t, { config: { llm: { first_byte_timeout: 1, stall_timeout: 1, ...llm } } });

test('a provider is retried after a failure before the first token:', async (t) => {
  const { client, model } = await startImpatient(t);
  const table: [title: string, reply: Reply][] = [
    ['a refused request time', fails(408, 'late')],
    ['a conflict', fails(409, 'busy')],
    ['a rate limit', fails(429, 'slow down')],
    ['a fault of its own', fails(500, 'oops')],
    ['a gateway without it', answersWith('text/html', '<h1>Bad gateway</h1>', 502)],
    ['an overload', fails(529, 'overloaded')],
    ['a silence before the headers', hangs()],
    ['a silence before the first byte', stalls()],
    ['a connection that is torn', cuts('torn')],
    ['an end without a finish', streams()],
    ['a page', answersWith('text/html', '<title>Sign in</title>')],
  ];
  for (const [title, reply] of table) {
    await t.test(title, async () => {
      model.script(reply, says('Here I am.'));
      const chunks = await readAll(client.chat('Hi', { conversationId: title }));
      assert.equal(shownText(chunks), 'Here I am.');
      assert.deepEqual(
        noticesOf(chunks).map((notice) => [notice.kind, notice.provider]),
        [['retrying', 'scripted']],
      );
      assert.ok(delayOf(chunks) >= 250 && delayOf(chunks) <= 500, String(delayOf(chunks)));
    });
  }
});

test('a provider is not retried after:', async (t) => {
  const { client, model } = await startImpatient(t);
  const table: [title: string, reply: Reply, code: string][] = [
    ['a refused key', fails(401, 'no'), 'provider_auth'],
    ['a forbidden request', fails(403, 'no'), 'provider_request'],
    ['an unknown model', fails(404, 'no such model'), 'provider_model'],
    ['a request that it does not take', fails(400, 'temperature must be below 2'), 'provider_request'],
    ['text that was shown, then silence', stalls('Once '), 'provider_timeout'],
    ['text that was shown, then a cut', cuts('torn', 'Once '), 'provider_cut'],
  ];
  for (const [title, reply, code] of table) {
    await t.test(title, async () => {
      const before = model.requests.length;
      model.script(reply);
      const { chunks, error } = await failed(client, client.chat('Hi', { conversationId: title }));
      assert.equal(error.code, code);
      assert.match(error.message, /^Provider "scripted" /);
      assert.deepEqual([noticesOf(chunks), model.requests.length - before], [[], 1]);
    });
  }
});

test('a Retry-After', async (t) => {
  const { client, model } = await startImpatient(t);
  const table: [title: string, headers: () => Record<string, string>, low: number, high: number][] = [
    ['in seconds is waited, and up to a quarter more', () => ({ 'retry-after': '1' }), 1_000, 1_250],
    // The date is in whole seconds, and a busy machine is late to read it.
    ['as a date is waited', () => ({ 'retry-after': new Date(Date.now() + 4_000).toUTCString() }), 600, 5_000],
    ['in milliseconds is waited', () => ({ 'retry-after-ms': '40' }), 40, 50],
    ['of nothing leaves the own wait', () => ({ 'retry-after': '0' }), 250, 500],
    [
      'that has gone by leaves the own wait',
      () => ({ 'retry-after': new Date(Date.now() - 5_000).toUTCString() }),
      250,
      500,
    ],
  ];
  for (const [title, headers, low, high] of table) {
    await t.test(title, async () => {
      model.script(fails(429, 'slow down', { headers: headers() }), says('Here I am.'));
      const askedMs = performance.now();
      const chunks = await readAll(client.chat('Hi', { conversationId: title }));
      assert.equal(shownText(chunks), 'Here I am.');
      assert.ok(delayOf(chunks) >= low && delayOf(chunks) <= high, String(delayOf(chunks)));
      assert.ok(performance.now() - askedMs >= delayOf(chunks), 'it was waited');
    });
  }

  await t.test('that exceeds the longest wait ends the turn, and the error has it', async () => {
    const before = model.requests.length;
    model.script(fails(429, 'slow down', { headers: { 'retry-after': '3600' } }));
    const { error } = await failed(client, client.chat('Hi', c1));
    assert.deepEqual(
      [error.code, error.retryable, error.data['retry_after_ms'], error.data['status']],
      ['provider_rate_limit', true, 600_000, 429],
    );
    assert.equal(model.requests.length - before, 1);
  });
});

test('the fallbacks are asked in order, each with its own attempts, and the last failure ends the turn', async (t) => {
  const spares = [await startModelServer(), await startModelServer()];
  t.after(() => Promise.all(spares.map((spare) => spare.close())));
  const [second, third] = spares;
  assert.ok(second && third);
  const providers = { second: { base_url: second.url, model: 'm2' }, third: { base_url: third.url, model: 'm3' } };
  const { client, model } = await startImpatient(t, {
    fallback: ['second', 'third'],
    retry: { attempts: 2 },
    providers,
  });
  model.script(() => fails(500, 'oops', { headers: { 'retry-after-ms': '1' } }));
  second.script(() => fails(401, 'no'));
  third.script(() => fails(404, 'no such model'));
  const { chunks, error } = await failed(client, client.chat('Hi', c1));
  assert.deepEqual(
    noticesOf(chunks).map(({ provider }) => provider),
    ['scripted', 'second', 'third'],
  );
  assert.deepEqual([error.code, error.data['provider'], error.data['model']], ['provider_model', 'third', 'm3']);
  assert.match(error.message, /set llm\.providers\.third\.model/);
  assert.deepEqual(
    [model, second, third].map(({ requests }) => requests.length),
    [2, 1, 1],
  );
});

describe('a cancel', () => {
  test('of an unanswered request aborts it at once, and it is not retried', async (t) => {
    const { client, model } = await startTyped(t);
    model.script(hangs());
    const turn = client.chat('Hi', c1);
    const request = await model.request(1);
    await turn.cancel();
    assert.equal(await request.end, 'aborted');
    assert.equal((await turn.end).metadata.finish_reason, 'cancelled');
    // The next turn runs after the cancelled one has ended.
    await client.chat('And now?', c1).end;
    assert.equal(model.requests.length, 2);
  });

  test('between two attempts ends the turn without another one', async (t) => {
    const { client, model } = await startTyped(t, { config: { llm: { retry: { budget: 60 } } } });
    model.script(fails(503, 'busy', { headers: { 'retry-after': '30' } }));
    const turn = client.chat('Hi', c1);
    for await (const chunk of turn) if (chunk.type === 'notice' && chunk.kind === 'retrying') await turn.cancel();
    assert.equal((await turn.end).metadata.finish_reason, 'cancelled');
    await client.chat('And now?', c1).end;
    assert.equal(model.requests.length, 2);
  });
});
