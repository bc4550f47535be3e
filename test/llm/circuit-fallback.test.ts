/** Checks a provider that is down: the fallback answers at once, and /health gives the reason. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pageOf } from '../support/metrics.ts';
import { fails, says } from '../support/model/replies.ts';
import { startModelServer } from '../support/model/server.ts';
import { startScripted } from '../support/parley.ts';

const circuit = { failures: 1, cooldown: 60 };

test("once a provider's circuit is open its fallback is asked without a wait, and /health reports it", async (t) => {
  const spare = await startModelServer();
  t.after(() => spare.close());
  const providers = { spare: { base_url: spare.url, model: 'spare-model' } };
  const { parley, client, model } = await startScripted(t, {
    config: { llm: { circuit, retry: { attempts: 1 }, fallback: ['spare'], providers } },
  });
  model.script(() => fails(500, 'oops'));
  spare.script(() => says('Hello.'));
  for (const conversation_id of ['c1', 'c2']) {
    const { text, frames } = await client.chat('Hi', { conversation_id });
    assert.equal(text, 'Hello.');
    const notice = frames.find(({ chunk }) => chunk?.type === 'notice')?.chunk;
    assert.deepEqual([notice?.['kind'], notice?.['delay_ms'], notice?.['provider']], ['retrying', 0, 'spare']);
  }
  assert.equal(model.requests.length, 1, 'what opened the circuit');
  const health: unknown = await (await fetch(pageOf(parley.url, '/health'))).json();
  assert.partialDeepStrictEqual(health, {
    providers: [
      { name: 'scripted', model: 'scripted-model', circuit: 'open', error: 'provider_failed' },
      { name: 'spare', model: 'spare-model', circuit: 'closed', error: null },
    ],
  });
});
