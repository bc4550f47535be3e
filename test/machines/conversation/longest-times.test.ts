/** Tests the longest time of an answer and of a turn: what ends, what is kept, and which times do not count. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startWorld } from '../../support/machines/conversation.ts';
import { asking, calling, streaming } from '../../support/machines/states.ts';
import { asked, chat, hopContext, limits, respond } from '../../support/machines/values.ts';

const started = async () => {
  const world = await startWorld();
  world.send(chat('r1'));
  world.commit();
  await world.loadContext();
  return world;
};
type World = Awaited<ReturnType<typeof startWorld>>;

const lastEnd = (world: World) => world.log.rows().findLast(({ extra }) => extra['kind'] === 'turn_end')?.extra;
const codeOfEnd = (world: World) => {
  const error = lastEnd(world)?.['error'];
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
};
const texts = (world: World) =>
  world.log.rows().flatMap(({ type, content }) => (type === 'assistant_message' ? [content] : []));

describe('the longest time of an answer', () => {
  test('stops the stream, keeps its text and ends the turn as answer_timeout', async () => {
    const world = await started();
    world.clock.increment(limits.maxAnswerMs - 1);
    assert.equal(world.state(), 'turn.streaming');
    world.clock.increment(1);
    assert.deepEqual([world.state(), world.currentAnswer().aborted], ['turn.timingOut', true]);
    world.currentAnswer().finish({ text: 'Once upon', finishReason: 'cancelled' });
    world.commit();
    assert.deepEqual([world.state(), codeOfEnd(world), texts(world)], ['idle', 'answer_timeout', ['Once upon']]);
    const row = world.log.rows().find(({ type }) => type === 'assistant_message');
    assert.equal(row?.extra['finish_reason'], 'failed');
  });

  test('makes none of the calls that the answer asks for as it is stopped', async () => {
    const world = await started();
    world.clock.increment(limits.maxAnswerMs);
    world.currentAnswer().finish({ text: 'Adding.', calls: [asked('add')] });
    world.commit();
    assert.deepEqual([world.calls.length, codeOfEnd(world)], [0, 'answer_timeout']);
  });

  test('begins again with each answer', async () => {
    const world = await started();
    world.clock.increment(limits.maxAnswerMs - 1);
    world.currentAnswer().finish({ calls: [asked('add')] });
    world.commit();
    world.latestCall('add').end();
    world.commit();
    await world.loadContext();
    world.clock.increment(limits.maxAnswerMs - 1);
    assert.equal(world.state(), 'turn.streaming');
  });

  test('gives way to a cancel', async () => {
    const world = await started();
    world.clock.increment(limits.maxAnswerMs);
    world.send({ type: 'client.cancel', target: null, by: { session: 's1', requestId: 'stop' } });
    world.currentAnswer().finish({ text: 'Once', finishReason: 'cancelled' });
    world.commitAll();
    assert.deepEqual([world.state(), codeOfEnd(world)], ['idle', null]);
  });
});

describe('the longest time of a turn', () => {
  test('does not replace the end that the longest time of an answer has set', async () => {
    const world = await startWorld({ limits: { maxAnswerMs: 1_000, maxTurnMs: 1_500 } });
    await streaming(world);
    world.clock.increment(1_000);
    assert.equal(world.state(), 'turn.timingOut');
    world.clock.increment(1_000);
    world.currentAnswer().finish({ text: 'Once', finishReason: 'cancelled' });
    world.commitAll();
    assert.equal(codeOfEnd(world), 'answer_timeout');
  });

  const short = { maxTurnMs: 1_000, toolTimeoutMs: 60_000, toolMaxTimeoutMs: 60_000 };

  test('cancels its calls and ends it as turn_timeout', async () => {
    const world = await startWorld({ limits: short });
    await calling(world);
    world.clock.increment(short.maxTurnMs);
    assert.deepEqual([world.state(), world.latestCall('add').aborted], ['turn.timingOut', true]);
    world.latestCall('add').end({ status: 'cancelled' });
    world.commitAll();
    assert.equal(codeOfEnd(world), 'turn_timeout');
  });

  test('ends a turn between two answers', async () => {
    const world = await startWorld({ limits: short });
    await streaming(world);
    world.currentAnswer().fail();
    assert.equal(world.state(), 'turn.backingOff');
    world.send({ type: 'turn.overdue' });
    assert.equal(world.state(), 'turn.persisting');
    world.commit();
    assert.equal(codeOfEnd(world), 'turn_timeout');
  });

  for (const [name, prepare, commits] of [
    ['calls', (world: World) => world.currentAnswer().finish({ calls: [asked('add')] }), 1],
    ['an empty answer', (world: World) => world.currentAnswer().finish({ text: '' }), 1],
  ] as const) {
    test(`waits for the commit of ${name}, and starts nothing after it`, async () => {
      const world = await startWorld({ limits: short });
      await streaming(world);
      prepare(world);
      const before = world.state();
      world.clock.increment(short.maxTurnMs);
      assert.equal(world.state(), before);
      for (let done = 0; done < commits; done += 1) world.commit();
      assert.deepEqual([world.state(), world.calls.length, world.answers.length], ['turn.persisting', 0, 1]);
    });
  }

  test('does not count the wait for a person, and begins again after it', async () => {
    const world = await startWorld({ limits: short });
    await asking(world);
    world.clock.increment(10 * short.maxTurnMs);
    assert.equal(world.state(), 'turn.toolHop.waiting');
    world.send(
      respond('call_d', 'approve', { interruptId: world.context().turn?.calls[0]?.approval?.interruptId ?? '' }),
    );
    world.commit();
    world.clock.increment(short.maxTurnMs - 1);
    assert.equal(world.state(), 'turn.toolHop.running');
    world.clock.increment(1);
    assert.equal(world.state(), 'turn.timingOut');
  });

  test('does not count the wait in the queue', async () => {
    const world = await startWorld({ limits: short, withoutPermit: true });
    world.send(chat('r1'));
    world.commit();
    world.clock.increment(10 * short.maxTurnMs);
    assert.equal(world.state(), 'turn.queued');
    world.grant();
    world.clock.increment(short.maxTurnMs - 1);
    assert.equal(world.state(), 'turn.loadingContext');
  });

  test('begins again while a call that its server keeps open asks people', async () => {
    const world = await startWorld({ limits: short });
    await streaming(world, { tools: hopContext.tools });
    world.currentAnswer().finish({ calls: [asked('add')] });
    world.commit();
    world.latestCall('add').ask({
      type: 'call.serverRequest',
      requests: [{ key: '', ask: { kind: 'form', message: 'Where?', schema: {} } }],
      number: 1,
      askedAtMs: 0,
      workedMs: 0,
    });
    world.commit();
    world.clock.increment(3 * short.maxTurnMs);
    assert.equal(world.state(), 'turn.toolHop.running');
  });

  test('of a turn that has ended does not end the next one', async () => {
    const world = await startWorld({ limits: short });
    await streaming(world);
    world.clock.increment(short.maxTurnMs - 1);
    world.currentAnswer().finish();
    world.commit();
    world.clock.increment(1);
    assert.equal(world.state(), 'turn.loadingContext');
  });
});
