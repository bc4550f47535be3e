/** Tests the queue of a provider's client at a real endpoint: its limits and its order. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { LanguageModelOptions } from '../../src/llm/model.ts';
import { ask, languageModelAt, type AskOptions } from '../support/model/ask.ts';
import { createGate, errorChunk, fails, gate, hangs, says, saysStepwise, streams } from '../support/model/replies.ts';
import { startModelServer } from '../support/model/server.ts';
import { eventually } from '../support/eventually.ts';

async function startLimited(
  t: TestContext,
  limits: { max_concurrent?: number; requests_per_minute?: number },
  options: Partial<LanguageModelOptions> = {},
) {
  const server = await startModelServer();
  t.after(() => server.close());
  const block = { base_url: server.url, model: 'configured-model', ...limits };
  const model = languageModelAt(server.url, { ...options, providers: { scripted: block, ...options.providers } });
  return {
    server,
    model,
    ask: (words: string, options: AskOptions = {}) =>
      ask(model, { ...options, messages: [{ role: 'user', content: words }] }),
    asked: () => server.requests.map(({ body }) => body.messages[0]?.content),
    waiting: (count: number) => eventually(() => model.status()[0]?.queued === count, `${count} queued`),
  };
}

test('requests beyond the limit are queued, fairly among owners', async (t) => {
  const { server, model, ask, asked, waiting } = await startLimited(t, { max_concurrent: 1 });
  const slow = saysStepwise('slowly');
  server.script(slow.reply);
  const first = ask('first');
  await server.request(1);
  const rest = ['a1', 'a2', 'b1'].map((words, index) => ask(words, { place: [words.charAt(0), `c${index}`, words] }));
  await waiting(3);
  assert.equal(model.status()[0]?.running, 1);
  slow.release();
  assert.deepEqual(
    (await Promise.all([first, ...rest])).map(({ queued }) => queued),
    [null, 1, 2, 3],
  );
  assert.deepEqual(asked(), ['first', 'a1', 'b1', 'a2']);
  assert.deepEqual(model.status()[0], {
    name: 'scripted',
    model: 'configured-model',
    circuit: 'closed',
    error: null,
    running: 0,
    queued: 0,
  });
});

test('limits are not part of any request', async (t) => {
  const { server, ask } = await startLimited(t, { max_concurrent: 1, requests_per_minute: 10 });
  await ask('Hi');
  const body = server.requests[0]?.body ?? {};
  assert.deepEqual(
    Object.keys(body).filter((key) => /max_conc|minute/.test(key)),
    [],
  );
});

test('a cancel of a queued request sends nothing, and the next request moves up', async (t) => {
  const { server, ask, asked, waiting } = await startLimited(t, { max_concurrent: 1 });
  const slow = saysStepwise('slowly');
  server.script(slow.reply);
  const first = ask('first');
  await server.request(1);
  const stop = new AbortController();
  const stopped = ask('stopped', { signal: stop.signal });
  const next = ask('next');
  await waiting(2);
  stop.abort();
  assert.equal((await stopped).end.status, 'aborted');
  slow.release();
  await Promise.all([first, next]);
  assert.deepEqual(asked(), ['first', 'next']);
});

test('a queued request fails after the timeout, and frees its place', async (t) => {
  const { server, ask, asked, waiting } = await startLimited(t, { max_concurrent: 1 }, { queueTimeoutMs: 20 });
  const stop = new AbortController();
  server.script(hangs());
  const first = ask('first', { signal: stop.signal });
  await server.request(1);
  const { end } = await ask('late');
  assert.ok(end.status === 'failed');
  assert.equal(end.fault.code, 'provider_busy');
  assert.match(end.fault.message, /"scripted" had no room .* within 0\.02 s.*llm\.providers\.scripted\.max_concurrent/);
  stop.abort();
  await first;
  await waiting(0);
  await ask('again');
  assert.deepEqual(asked(), ['first', 'again']);
});

test('a failed request makes room too', async (t) => {
  const { server, ask } = await startLimited(t, { max_concurrent: 1 });
  server.script(fails(500, 'oops'), says('Well.'));
  const ends = await Promise.all([ask('first'), ask('second')]);
  assert.deepEqual(
    ends.map(({ end }) => end.status),
    ['failed', 'finished'],
  );
});

test('another provider has its own queue', async (t) => {
  const spare = await startModelServer();
  t.after(() => spare.close());
  const { server, ask } = await startLimited(
    t,
    { max_concurrent: 1 },
    {
      fallback: ['spare'],
      queueTimeoutMs: 20,
      providers: { spare: { base_url: spare.url, model: 'spare-model', max_concurrent: 1 } },
    },
  );
  const stop = new AbortController();
  server.script(hangs());
  spare.script(hangs());
  const first = ask('first', { signal: stop.signal });
  const second = ask('second', { provider: 'spare', signal: stop.signal });
  await Promise.all([server.request(1), spare.request(1)]);
  const third = await ask('third', { provider: 'spare' });
  assert.ok(third.end.status === 'failed' && third.end.fault.data['provider'] === 'spare');
  stop.abort();
  await Promise.all([first, second]);
});

test('the rate limit holds within any minute, and queued requests follow when it is over', async (t) => {
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  const { ask, asked, model } = await startLimited(t, { requests_per_minute: 2 }, { queueTimeoutMs: 300_000 });
  await ask('1');
  nowMs = 20_000;
  await ask('2');
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const third = ask('3');
  const fourth = ask('4');
  const pass = (ms: number) => {
    nowMs += ms;
    t.mock.timers.tick(ms);
  };
  pass(39_999);
  assert.deepEqual([asked(), model.status()[0]?.queued], [['1', '2'], 2]);
  pass(1);
  await third;
  pass(19_999);
  assert.deepEqual(asked(), ['1', '2', '3']);
  pass(1);
  await fourth;
  assert.deepEqual(asked(), ['1', '2', '3', '4']);
});

test('a request is not queued while the circuit is open', async (t) => {
  const { server, ask } = await startLimited(
    t,
    { requests_per_minute: 1 },
    { circuit: { failures: 1, cooldownMs: 60_000 } },
  );
  server.script(fails(500, 'oops'));
  await ask('first');
  const { end, queued } = await ask('second');
  assert.ok(end.status === 'failed');
  assert.deepEqual([end.fault.code, queued], ['provider_unavailable', null]);
});

test('queued requests fail at once when the circuit opens', async (t) => {
  const { server, ask, waiting } = await startLimited(
    t,
    { requests_per_minute: 1 },
    { queueTimeoutMs: 60_000, circuit: { failures: 1, cooldownMs: 60_000 } },
  );
  const hold = createGate();
  server.script(streams(gate(hold), errorChunk('overloaded')));
  const first = ask('first');
  await server.request(1);
  const rest = [ask('second'), ask('third')];
  await waiting(2);
  hold.open();
  const codes = (await Promise.all([first, ...rest])).map(({ end }) =>
    end.status === 'failed' ? end.fault.code : end.status,
  );
  assert.deepEqual(codes, ['provider_failed', 'provider_unavailable', 'provider_unavailable']);
});
