/** Checks failing providers: which one is asked again, after what time, how often, and which one is the fallback. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConversationLimits } from '../../../machines/conversation/context.ts';
import { startWorld } from '../../support/machines/conversation.ts';
import type { World } from '../../support/machines/conversation.ts';
import { rowLines } from '../../support/machines/row-lines.ts';
import { asked, chat, providerDown, refusedKey, tooLong } from '../../support/machines/values.ts';

async function streaming(limits: Partial<ConversationLimits> = {}): Promise<World> {
  const world = await startWorld({ limits });
  world.send(chat('r1'));
  world.commit();
  await world.loadContext();
  world.newEvents();
  return world;
}

/** Advances the clock just enough for the hop to be tried again. */
async function askAgain(world: World, afterMs: number) {
  assert.equal(world.state(), 'turn.backingOff');
  world.clock.increment(afterMs - 1);
  assert.equal(world.state(), 'turn.backingOff');
  world.clock.increment(1);
  await world.loadContext();
}

test('a failure before the first token is retried after waits that double, and the followers are notified', async () => {
  const world = await streaming({ attempts: 3 });
  world.currentAnswer().fail();
  const data = 'The provider had a fault. Trying again in 0.5 s.';
  assert.deepEqual(world.newEvents(), [
    { type: 'notice', requestId: 'r1', kind: 'retrying', data, details: { delay_ms: 500, provider: 'first' } },
  ]);
  await askAgain(world, 500);
  world.currentAnswer().fail();
  await askAgain(world, 1000);
  assert.equal(world.answers.length, 3, 'asked three times');
  world.currentAnswer().finish();
  world.commit();
  assert.deepEqual(rowLines(world.log.rows()), ['user: text of r1', 'assistant: Hello.', 'end stop']);
});

test('jitter takes up to half of a wait away', async () => {
  const world = await streaming();
  world.currentAnswer().fail({ jitter: 0 });
  await askAgain(world, 250);
});

test('the wait that the provider asks for takes precedence over the backoff', async () => {
  const world = await streaming();
  world.currentAnswer().fail({ retryAfterMs: 4_321, jitter: 0 });
  await askAgain(world, 4_321);
});

test('the wait that the provider asks for grows by up to a quarter, because all clients get the same one', async () => {
  const world = await streaming();
  world.currentAnswer().fail({ retryAfterMs: 4_000, jitter: 1 });
  await askAgain(world, 5_000);
});

test('a provider with an open circuit is not waited for: the next one is asked, or the turn ends', async () => {
  const resting = { ...providerDown, code: 'provider_unavailable' };
  const world = await streaming({ providers: ['first', 'second'] });
  world.currentAnswer().fail({ fault: resting, retryAfterMs: 10 });
  assert.equal(world.state(), 'turn.loadingContext');
  await world.loadContext();
  world.currentAnswer().fail({ fault: resting, retryAfterMs: 10 });
  world.commit();
  assert.deepEqual(rowLines(world.log.rows()), ['user: text of r1', 'end with provider_unavailable']);
});

test('a context that is too long is halved once a hop, stays halved, and the followers are notified', async () => {
  const world = await streaming({ attempts: 1 });
  world.currentAnswer().fail({ fault: tooLong });
  const data = 'The conversation is too long. Asking again with half of the context.';
  assert.deepEqual(world.newEvents(), [
    { type: 'notice', requestId: 'r1', kind: 'retrying', data, details: { delay_ms: 0, provider: 'first' } },
  ]);
  await world.loadContext({ tokens: 5 });
  world.currentAnswer().finish({ calls: [asked('nosuch')] });
  world.commit();
  await world.loadContext({ tokens: 5 });
  world.currentAnswer().fail({ fault: tooLong });
  await world.loadContext({ tokens: 2 });
  world.currentAnswer().fail({ fault: tooLong });
  world.commit();
  assert.deepEqual(world.budgets, [null, 5, 5, 2]);
  assert.equal(rowLines(world.log.rows()).at(-1), 'end with provider_context_length');
});

test('a context that is too long shrinks to the limit that the provider names', async () => {
  const world = await streaming();
  const fault = { ...tooLong, data: { context_tokens: 8_000, request_tokens: 16_000 } };
  world.currentAnswer().fail({ fault });
  const data = 'The conversation is too long. Asking again with as much of the context as the model takes.';
  assert.partialDeepStrictEqual(world.newEvents(), [{ kind: 'retrying', data }]);
  await world.loadContext();
  assert.deepEqual(world.budgets, [null, 4]);
});

test('the tools count as a part of a context that is too long', async () => {
  const world = await startWorld({});
  world.send(chat('r1'));
  world.commit();
  const tools = { count: 6, tokens: 90, largestServer: 'demo', largestTool: null };
  await world.loadContext({ sizes: { system: 0, tools, message: 10, result: null, rest: 0 } });
  world.currentAnswer().fail({ fault: tooLong });
  await world.loadContext();
  assert.deepEqual(world.budgets, [null, 50]);
});

test('the fallback of a provider that found the context too long gets the whole context', async () => {
  const world = await streaming({ providers: ['first', 'second'] });
  world.currentAnswer().fail({ fault: tooLong });
  await world.loadContext();
  world.currentAnswer().fail({ fault: tooLong });
  await world.loadContext();
  assert.equal(world.currentAnswer().input.provider, 'second');
  assert.deepEqual(world.budgets, [null, 5, null]);
});

test('the attempts of a hop are counted, and the turn ends with the last fault', async () => {
  const world = await streaming({ attempts: 2 });
  world.currentAnswer().fail();
  await askAgain(world, 500);
  world.currentAnswer().fail({ fault: { ...providerDown, code: 'provider_timeout' } });
  world.commit();
  assert.deepEqual(rowLines(world.log.rows()), ['user: text of r1', 'end with provider_timeout']);
});

test('a wait that would exceed the retry budget does not begin', async () => {
  const world = await streaming({ attempts: 9, retryBudgetMs: 1_400 });
  world.currentAnswer().fail();
  await askAgain(world, 500);
  world.currentAnswer().fail();
  assert.equal(world.state(), 'turn.persisting');

  const patient = await streaming({ attempts: 9, retryBudgetMs: 1_500 });
  patient.currentAnswer().fail();
  await askAgain(patient, 500);
  patient.currentAnswer().fail();
  await askAgain(patient, 1_000);
});

test('each hop has attempts and a budget of its own', async () => {
  const world = await streaming({ attempts: 2, retryBudgetMs: 500 });
  world.currentAnswer().fail();
  await askAgain(world, 500);
  world.currentAnswer().finish({ calls: [asked('nosuch')] });
  world.commit();
  await world.loadContext();
  world.currentAnswer().fail();
  await askAgain(world, 500);
  assert.equal(world.answers.length, 4, 'twice in each hop');
});

test('a failure that is not retryable is not retried', async () => {
  const world = await streaming();
  world.currentAnswer().fail({ fault: refusedKey });
  assert.equal(world.state(), 'turn.persisting');
});

test('no provider is asked again once a token was shown', async () => {
  const world = await streaming({ providers: ['first', 'second'] });
  world.currentAnswer().fail({ text: 'Hel' });
  world.commit();
  assert.deepEqual(rowLines(world.log.rows()), [
    'user: text of r1',
    'assistant (partial): Hel',
    'end with provider_failed',
  ]);
});

test('the next provider is asked when one has no attempts left, with attempts of its own, and the preferred one again in the next hop', async () => {
  const world = await streaming({ attempts: 2, providers: ['first', 'second'] });
  world.currentAnswer().fail();
  await askAgain(world, 500);
  world.newEvents();
  world.currentAnswer().fail();
  const data = 'The provider had a fault. Asking second instead.';
  assert.deepEqual(world.newEvents(), [
    { type: 'notice', requestId: 'r1', kind: 'retrying', data, details: { delay_ms: 0, provider: 'second' } },
  ]);
  await world.loadContext();
  world.currentAnswer().fail();
  await askAgain(world, 500);
  world.currentAnswer().finish({ calls: [asked('nosuch')] });
  world.commit();
  await world.loadContext();
  const providers = world.answers.map(({ input }) => input.provider);
  assert.deepEqual(providers, ['first', 'first', 'second', 'second', 'first']);
});

test("a failure that is final for one provider leads to the next one, and the last provider's failure ends the turn", async () => {
  const world = await streaming({ providers: ['first', 'second'] });
  world.currentAnswer().fail({ fault: refusedKey });
  assert.equal(world.state(), 'turn.loadingContext');
  await world.loadContext();
  assert.equal(world.currentAnswer().input.provider, 'second');
  world.currentAnswer().fail({ fault: refusedKey });
  world.commit();
  assert.deepEqual(rowLines(world.log.rows()), ['user: text of r1', 'end with provider_auth']);
});
