/** Checks turns that wait for capacity at a provider: they are notified, can be cancelled, and get an answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pageOf, readMetrics } from '../support/metrics.ts';
import { hangs, says, saysStepwise } from '../support/model/replies.ts';
import { startModelServer } from '../support/model/server.ts';
import { eventually } from '../support/eventually.ts';
import { readAll, startTyped } from '../support/typed-client.ts';

const oneAtOnce = (llm: object = {}) => ({
  config: { llm: { ...llm, providers: { scripted: { max_concurrent: 1 } } } },
});

/** Resolves when one turn waits for the provider. */
const oneQueued = (url: string) =>
  eventually(
    async () => (await readMetrics(url)).get('parley_provider_requests_queued{provider="scripted"}') === 1,
    'one turn in the queue',
  );

test('a turn that waits for its provider is notified, and answered when there is capacity', async (t) => {
  const { parley, client, model } = await startTyped(t, oneAtOnce());
  const slow = saysStepwise('slowly');
  model.script(slow.reply, says('Mine.'));
  const first = client.chat('Hi', { conversationId: 'c1' });
  await model.request(1);
  const second = client.chat('Hi', { conversationId: 'c2' });
  await oneQueued(parley.url);
  assert.equal((await readMetrics(parley.url)).get('parley_provider_requests{provider="scripted"}'), 1);
  assert.partialDeepStrictEqual(await (await fetch(pageOf(parley.url, '/health'))).json(), {
    providers: [{ name: 'scripted', running: 1, queued: 1 }],
  });
  slow.release();
  await first.end;
  const notice = (await readAll(second)).find(({ type }) => type === 'notice');
  assert.partialDeepStrictEqual(notice, { kind: 'queued_for_provider', position: 1, provider: 'scripted' });
  assert.equal(await second.text(), 'Mine.');
});

test('a turn that waits for its provider can be cancelled, and its place goes to the next', async (t) => {
  const { parley, client, model } = await startTyped(t, oneAtOnce());
  const slow = saysStepwise('slowly');
  model.script(slow.reply, says('Mine.'));
  const first = client.chat('Hi', { conversationId: 'c1' });
  await model.request(1);
  const second = client.chat('Hi', { conversationId: 'c2' });
  await oneQueued(parley.url);
  const third = client.chat('Hi', { conversationId: 'c3' });
  await client.cancel('c2');
  assert.equal((await second.end).metadata.finish_reason, 'cancelled');
  slow.release();
  await first.end;
  assert.equal(await third.text(), 'Mine.');
  assert.equal(model.requests.length, 2);
});

test('a turn that has waited too long is answered by the fallback, in the queue of that one', async (t) => {
  const spare = await startModelServer();
  t.after(() => spare.close());
  const spareBlock = { base_url: spare.url, model: 'spare-model', max_concurrent: 1 };
  const { client, model } = await startTyped(t, {
    config: {
      llm: {
        queue_timeout: 0.05,
        fallback: ['spare'],
        providers: { scripted: { max_concurrent: 1 }, spare: spareBlock },
      },
    },
  });
  model.script(hangs());
  spare.script(says('From the spare.'));
  // It hangs until the server ends.
  client.chat('Hi', { conversationId: 'c1' });
  await model.request(1);
  const turn = client.chat('Hi', { conversationId: 'c2' });
  const notices = (await readAll(turn)).flatMap((chunk) =>
    chunk.type === 'notice' ? [[chunk.kind, 'provider' in chunk ? chunk.provider : null]] : [],
  );
  assert.equal(await turn.text(), 'From the spare.');
  assert.deepEqual(notices, [
    ['queued_for_provider', 'scripted'],
    ['retrying', 'spare'],
  ]);
  assert.equal(model.requests.length, 1, 'nothing was sent for the turn that had waited in vain');
});
