/** Checks a conversation far beyond its window: the context of the model and the memory of the server do not grow. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMetrics } from '../support/metrics.ts';
import { says } from '../support/model/replies.ts';
import { startScripted } from '../support/parley.ts';

const words = 'Give me something about the weather in the mountains, please. '.repeat(6);

test('the hundredth turn reads no more rows than the twentieth, and has the last messages', async (t) => {
  const { parley, client, model } = await startScripted(t, {
    config: {
      chat: { service: { context: { max_tokens: 700, reserve_tokens: 100 } } },
      repository: { persistence: { retention_policy: 'unlimited' } },
    },
  });
  model.script(() => says('It will rain.'));
  const warm: number[] = [];
  for (let turn = 1; turn <= 100; turn += 1) {
    assert.equal(
      (await client.chat(`${String(turn).padStart(3, '0')}: ${words}`, { conversation_id: 'c1' })).end.status,
      'complete',
    );
    if (turn === 20 || turn === 100) warm.push((await readMetrics(parley.url)).get('parley_log_cache_bytes') ?? NaN);
  }
  const sizeOf = (turn: number) => JSON.stringify(model.requests[turn - 1]?.body).length;
  assert.equal(sizeOf(100), sizeOf(20));
  const [early, late] = warm;
  assert.equal(late, early);
  const asked = model.requests.at(-1)?.body.messages.map(({ content }) => String(content).slice(0, 3)) ?? [];
  assert.deepEqual(asked.filter((start) => /^\d+$/.test(start)).at(-1), '100');
  assert.equal(asked.includes('001'), false, 'the first has left the window');
  assert.equal(
    (await client.ask('history', { conversation_id: 'c1', before_seq: 2 })).result?.['oldest_seq'],
    1,
    'and stays in the log',
  );
});

test('by default a conversation of 18,000 tokens is kept whole, and the model gets all of it', async (t) => {
  const { client, model } = await startScripted(t);
  model.script(() => says('It will rain.'));
  const long = words.repeat(8);
  const turns = 28;
  for (let turn = 1; turn <= turns; turn += 1) {
    assert.equal((await client.chat(`${turn}: ${long}`, { conversation_id: 'c1' })).end.status, 'complete');
  }
  const asked = model.requests
    .at(-1)
    ?.body.messages.filter(({ role }) => role === 'user')
    .map(({ content }) => String(content).split(':')[0]);
  assert.deepEqual(
    asked,
    Array.from({ length: turns }, (_, index) => String(index + 1)),
  );
  const { result } = await client.ask('history', { conversation_id: 'c1', before_seq: 4 });
  assert.equal(result?.['oldest_seq'], 1);
});
