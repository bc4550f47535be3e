/** Checks the quotas of subjects from outside: one subject at its limit, and another that goes on. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import { ParleyError } from '../../src/client/errors.ts';
import { eventually } from '../support/eventually.ts';
import { readMetrics } from '../support/metrics.ts';
import { says } from '../support/model/replies.ts';
import { startScripted } from '../support/parley.ts';
import { connectClient } from '../support/typed-client.ts';

const inC1 = { conversationId: 'c1' };
const inC2 = { conversationId: 'c2' };

/** Two subjects, under the same quotas. A rejected request is not repeated. */
async function start(t: TestContext, quota: Record<string, number>, service: Record<string, unknown> = {}) {
  const tokens = { ann: createToken(), bob: createToken() };
  const prices = { 'scripted-model': { input: 1, output: 2 } };
  const { parley, model } = await startScripted(t, {
    config: {
      quota,
      chat: { service },
      llm: { providers: { scripted: { prices } } },
      auth: {
        mode: 'token',
        tokens: Object.entries(tokens).map(([subject, token]) => ({ subject, sha256: hashToken(token) })),
      },
    },
  });
  model.script(() => says('Yes.'));
  const connectAs = (subject: 'ann' | 'bob') =>
    connectClient(t, parley.url, { token: tokens[subject], retryTimeoutMs: 0 });
  return { parley, tokens, connectAs };
}

const exceeds = (quota: string, waits: boolean) => (error: unknown) => {
  assert.ok(error instanceof ParleyError, String(error));
  assert.deepEqual([error.code, error.data['quota'], error.retryable], ['quota_exceeded', quota, true]);
  assert.equal(typeof error.data['retry_after_ms'], waits ? 'number' : 'undefined');
  return true;
};

describe('a quota of a subject', () => {
  it('for tokens holds across a restart, and does not affect another subject or a repeated chat', async (t) => {
    const { parley, tokens, connectAs } = await start(t, { tokens_per_day: 1 });
    const ann = connectAs('ann');
    const { requestId, end } = ann.chat('Hi', inC1);
    await end;
    await assert.rejects(ann.chat('Hi', inC2).end, exceeds('tokens_per_day', true));
    await parley.restart();
    const again = connectAs('ann');
    await assert.rejects(again.chat('Hi', inC1).end, exceeds('tokens_per_day', true));
    assert.equal(await again.chat('Hi', { ...inC1, requestId }).text(), 'Yes.');
    assert.equal(await connectAs('bob').chat('Hi', inC1).text(), 'Yes.');
    const metrics = await readMetrics(parley.url, tokens.ann);
    assert.equal(metrics.get('parley_quota_refusals_total{quota="tokens_per_day"}'), 1);
  });

  it('for cost counts by the prices of the provider', async (t) => {
    const ann = (await start(t, { cost_per_day: 0.00002 })).connectAs('ann');
    await ann.chat('Hi', inC1).end;
    await assert.rejects(ann.chat('Hi', inC1).end, exceeds('cost_per_day', true));
  });

  it('for conversations has room again after a delete', async (t) => {
    const ann = (await start(t, { conversations: 1 })).connectAs('ann');
    await ann.chat('Hi', inC1).end;
    await assert.rejects(ann.chat('Hi', inC2).end, exceeds('conversations', false));
    const { events } = await ann.history('c1');
    await assert.rejects(ann.fork('c1', events.at(-1)?.seq ?? 0), exceeds('conversations', false));
    await ann.delete('c1');
    await ann.chat('Hi', inC2).end;
  });

  it('for stored bytes counts metadata', async (t) => {
    const ann = (await start(t, { stored_bytes: 20_000 })).connectAs('ann');
    const metadata = { filler: 'x'.repeat(12_000) };
    await ann.chat('Hi', { ...inC1, metadata }).end;
    await assert.rejects(ann.chat('Hi', { ...inC1, metadata }).end, exceeds('stored_bytes', false));
    await ann.chat('Hi', inC1).end;
  });

  it('for forks and turns is named in the error', async (t) => {
    const ann = (await start(t, { forks_per_day: 1 })).connectAs('ann');
    await ann.chat('Hi', inC1).end;
    const atSeq = (await ann.history('c1')).events.at(-1)?.seq ?? 0;
    await ann.fork('c1', atSeq);
    await assert.rejects(ann.fork('c1', atSeq), exceeds('forks_per_day', true));
  });

  it('for live conversations leaves those of another subject alone, and ends when one leaves memory', async (t) => {
    const { connectAs } = await start(t, { live_conversations: 1 }, { idle_timeout: 0.3 });
    const ann = connectAs('ann');
    await ann.chat('Hi', inC1).end;
    await assert.rejects(ann.chat('Hi', inC2).end, exceeds('live_conversations', false));
    await connectAs('bob').chat('Hi', inC1).end;
    await eventually(
      () =>
        ann.chat('Hi', inC2).end.then(
          () => true,
          () => false,
        ),
      'room for another',
    );
  });

  it('for turns a minute refuses a flood and says when the next one may begin', async (t) => {
    const ann = (await start(t, { turns_per_minute: 1 })).connectAs('ann');
    const ends = await Promise.allSettled(Array.from({ length: 12 }, (_, turn) => ann.chat(`Hi ${turn}`, inC1).end));
    const refused = ends.filter((end) => end.status === 'rejected');
    // The flood may span two minutes.
    assert.ok(refused.length >= 10, String(refused.length));
    for (const { reason } of refused) exceeds('turns_per_minute', true)(reason);
  });
});
