/** A provider that fails: who is asked again, after how long, how often, and who is asked instead. */
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

/** Lets just so much time pass that the hop is asked again. */
async function askAgain(world: World, afterMs: number) {
  assert.equal(world.state(), 'turn.backingOff');
  world.clock.increment(afterMs - 1);
  assert.equal(world.state(), 'turn.backingOff');
  world.clock.increment(1);
  await world.loadContext();
}

test('a fault before the first word is tried again, after waits that double, and the followers are told', async () => {
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

test('what the provider asks for is waited, whatever the own rule says', async () => {
  const world = await streaming();
  world.currentAnswer().fail({ retryAfterMs: 4_321, jitter: 0 });
  await askAgain(world, 4_321);
});

test('or up to a quarter longer, for all have been told the same', async () => {
  const world = await streaming();
  world.currentAnswer().fail({ retryAfterMs: 4_000, jitter: 1 });
  await askAgain(world, 5_000);
});

test('a provider that is left alone is not waited for: the next one is asked, or the turn ends', async () => {
  const resting = { ...providerDown, code: 'provider_unavailable' };
  const world = await streaming({ providers: ['first', 'second'] });
  world.currentAnswer().fail({ fault: resting, retryAfterMs: 10 });
  assert.equal(world.state(), 'turn.loadingContext');
  await world.loadContext();
  world.currentAnswer().fail({ fault: resting, retryAfterMs: 10 });
  world.commit();
  assert.deepEqual(rowLines(world.log.rows()), ['user: text of r1', 'end with provider_unavailable']);
});

test('a context that is too long is halved once a hop, stays so, and the followers are told', async () => {
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

test('a provider that stands in for one that found the context too long gets all of it', async () => {
  const world = await streaming({ providers: ['first', 'second'] });
  world.currentAnswer().fail({ fault: tooLong });
  await world.loadContext();
  world.currentAnswer().fail({ fault: tooLong });
  await world.loadContext();
  assert.equal(world.currentAnswer().input.provider, 'second');
  assert.deepEqual(world.budgets, [null, 5, null]);
});

test('the tries of a hop are counted, and the last fault is what the turn ends with', async () => {
  const world = await streaming({ attempts: 2 });
  world.currentAnswer().fail();
  await askAgain(world, 500);
  world.currentAnswer().fail({ fault: { ...providerDown, code: 'provider_timeout' } });
  world.commit();
  assert.deepEqual(rowLines(world.log.rows()), ['user: text of r1', 'end with provider_timeout']);
});

test('a wait that would break the budget is not begun', async () => {
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

test('each hop has tries and a budget of its own', async () => {
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

test('a fault that a repeat cannot mend is not repeated', async () => {
  const world = await streaming();
  world.currentAnswer().fail({ fault: refusedKey });
  assert.equal(world.state(), 'turn.persisting');
});

test('nothing is asked again once a word was shown', async () => {
  const world = await streaming({ providers: ['first', 'second'] });
  world.currentAnswer().fail({ text: 'Hel' });
  world.commit();
  assert.deepEqual(rowLines(world.log.rows()), [
    'user: text of r1',
    'assistant (partial): Hel',
    'end with provider_failed',
  ]);
});

test('the next provider is asked when one is spent, with tries of its own, and the preferred one again in the next hop', async () => {
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

test('a fault that ends one provider at once may be another one’s chance, and the last one’s is the end', async () => {
  const world = await streaming({ providers: ['first', 'second'] });
  world.currentAnswer().fail({ fault: refusedKey });
  assert.equal(world.state(), 'turn.loadingContext');
  await world.loadContext();
  assert.equal(world.currentAnswer().input.provider, 'second');
  world.currentAnswer().fail({ fault: refusedKey });
  world.commit();
  assert.deepEqual(rowLines(world.log.rows()), ['user: text of r1', 'end with provider_auth']);
});
