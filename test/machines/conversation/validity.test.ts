/**
 * Sends random events to the chart and asserts that the log stays valid in any order of clients, providers, tools and
 * crashes.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ChatEvent } from '../../../machines/conversation/client-events.ts';
import { startWorld } from '../../support/machines/conversation.ts';
import type { World } from '../../support/machines/conversation.ts';
import type { MemoryLog } from '../../support/machines/log.ts';
import { runUntilIdle } from '../../support/machines/run-until-idle.ts';
import { assertValidLog, assertValidWindows } from '../../support/machines/validity.ts';
import { asked, chat, providerDown, refusedKey, respond } from '../../support/machines/values.ts';

type Step =
  | { do: 'chat'; turn: number; mode: ChatEvent['mode']; otherText: boolean }
  | { do: 'stop'; turn: number | null }
  | { do: 'commit' }
  | { do: 'context'; fails: boolean }
  | { do: 'answer'; how: 'text' | 'length' | 'empty' | 'down' | 'refused' | 'cut' }
  | { do: 'ask'; tools: string[] }
  | { do: 'call'; which: number; status: 'ok' | 'error' | 'lost' | 'cancelled' }
  | { do: 'time'; ms: number }
  | { do: 'respond'; which: number; decision: 'approve' | 'deny'; edited: boolean; remember: boolean }
  | { do: 'expire' }
  | { do: 'passivate' }
  | { do: 'crash' };

const turn = fc.nat({ max: 5 });
const rarely = fc.nat({ max: 9 }).map((n) => n === 0);
const step = (crashes: number): fc.Arbitrary<Step> =>
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('chat' as const),
        turn,
        mode: fc.constantFrom('queue', 'queue', 'reject', 'interrupt'),
        otherText: rarely,
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('stop' as const), turn: fc.option(turn) }) },
    { weight: 12, arbitrary: fc.constant({ do: 'commit' as const }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('context' as const), fails: rarely }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('answer' as const),
        how: fc.constantFrom('text', 'length', 'empty', 'down', 'refused', 'cut'),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('ask' as const),
        tools: fc.array(fc.constantFrom('add', 'wait', 'look', 'delete', 'delete', 'format', 'nosuch'), {
          minLength: 1,
          maxLength: 4,
        }),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('call' as const),
        which: fc.nat({ max: 3 }),
        status: fc.constantFrom('ok', 'error', 'lost', 'cancelled'),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('time' as const), ms: fc.constantFrom(250, 500, 1_000) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('respond' as const),
        which: fc.nat({ max: 3 }),
        decision: fc.constantFrom('approve', 'approve', 'deny'),
        edited: fc.boolean(),
        remember: rarely,
      }),
    },
    { weight: 1, arbitrary: fc.constant({ do: 'expire' as const }) },
    { weight: 1, arbitrary: fc.constant({ do: 'passivate' as const }) },
    { weight: crashes, arbitrary: fc.constant({ do: 'crash' as const }) },
  );

const limits = { maxToolHops: 2, attempts: 2, providers: ['first', 'second'] };

/** A world that restarts: after an end or a crash it reopens from its log. */
function createTrial() {
  const worlds: World[] = [];
  let senders = 0;

  const reopen = async (log?: MemoryLog) => {
    const world = await startWorld({ limits, ...(log ? { log, recovered: log.recovered() } : {}) });
    worlds.push(world);
    return world;
  };
  const session = () => `s${(senders += 1)}`;

  return {
    reopen,
    /** The number of replies to each sender, in the order of their events. */
    answers() {
      const said = worlds
        .flatMap(({ emitted }) => emitted)
        .flatMap((event) => {
          if (event.type === 'turn.accepted' || event.type === 'turn.attached') return [event.chat.session];
          return event.type === 'reply' || event.type === 'refuse' || event.type === 'respond.late'
            ? [event.to.session]
            : [];
        });
      return Array.from({ length: senders }, (_, index) => said.filter((to) => to === `s${index + 1}`).length);
    },
    async take(step: Step, world: World): Promise<World> {
      switch (step.do) {
        case 'chat':
          world.send(
            chat(`r${step.turn}`, {
              session: session(),
              mode: step.mode,
              ...(step.otherText ? { digest: 'another' } : {}),
            }),
          );
          break;
        case 'stop':
          world.send({
            type: 'client.cancel',
            by: { session: session(), requestId: 'stop' },
            target: step.turn === null ? null : `r${step.turn}`,
          });
          break;
        case 'respond': {
          const questions = world.log
            .rows()
            .filter((row) => row.extra['kind'] === 'approval_request')
            .slice(-4);
          const question = questions[step.which % Math.max(1, questions.length)];
          const args = step.edited && step.decision === 'approve' ? { path: '/b' } : null;
          world.send(
            respond(question?.tool_call_id ?? 'call_x', step.decision, {
              by: { session: session(), requestId: 'response' },
              arguments: args,
              remember: step.remember,
            }),
          );
          break;
        }
        case 'expire':
          world.send({ type: 'conversation.expire', nowMs: 60_000 });
          break;
        case 'crash':
          return reopen(world.log);
        case 'passivate':
          world.send({ type: 'conversation.passivate' });
          return world.ends.length > 0 ? reopen(world.log) : world;
        case 'commit':
          if (world.pending.length > 0) world.commit();
          break;
        case 'time':
          world.clock.increment(step.ms);
          break;
        default:
          await work(step, world);
      }
      return world;
    },
  };
}

async function work(step: Extract<Step, { do: 'context' | 'answer' | 'ask' | 'call' }>, world: World): Promise<void> {
  if (step.do === 'context') {
    if (world.state() !== 'turn.loadingContext') return;
    assertValidWindows(world.log, world.context().turn?.requestId ?? '');
    return step.fails ? world.failContext() : world.loadContext();
  }
  if (step.do === 'call') {
    const open = world.calls.filter((call) => call.open);
    return open[step.which % Math.max(1, open.length)]?.end({ status: step.status });
  }
  const answer = world.answers.find(({ open }) => open);
  if (answer?.aborted) return answer.finish({ finishReason: 'cancelled' });
  if (step.do === 'ask') return answer?.finish({ calls: step.tools.map((name) => asked(name)) });
  switch (step.how) {
    case 'text':
      return answer?.finish();
    case 'length':
      return answer?.finish({ finishReason: 'length' });
    case 'empty':
      return answer?.finish({ text: '' });
    case 'down':
      return answer?.fail({ fault: providerDown });
    case 'refused':
      return answer?.fail({ fault: refusedKey });
    case 'cut':
      return answer?.fail({ text: 'Hel' });
  }
}

async function runThrough(steps: readonly Step[]) {
  const trial = createTrial();
  let world = await trial.reopen();
  for (const step of steps) world = await trial.take(step, world);
  await runUntilIdle(world);
  assert.equal(world.state(), 'idle');
  return { trial, log: world.log };
}

const seed = 20_261_101;
const steps = (crashes: number) => fc.array(step(crashes), { minLength: 30, maxLength: 120, size: 'max' });

test('any order of events leaves a valid log and replies to every client once', async () => {
  const property = fc.asyncProperty(steps(0), async (events) => {
    const { trial, log } = await runThrough(events);
    assertValidLog(log);
    assertValidWindows(log, 'next');
    assert.ok(
      trial.answers().every((count) => count === 1),
      `answers: ${trial.answers().join(' ')}`,
    );
  });
  await fc.assert(property, { seed, numRuns: 300 });
});

test('crashes in between keep the log valid; only senders may have to send again', async () => {
  const property = fc.asyncProperty(steps(3), async (events) => {
    const { trial, log } = await runThrough(events);
    assertValidLog(log);
    assertValidWindows(log, 'next');
    assert.ok(
      trial.answers().every((count) => count <= 1),
      `answers: ${trial.answers().join(' ')}`,
    );
  });
  await fc.assert(property, { seed, numRuns: 300 });
});

test('after a crash at any commit, every turn ends', async () => {
  const property = fc.asyncProperty(steps(1), async (events) => {
    const { log } = await runThrough(events);
    for (let count = 0; count < log.stored().length; count += 1) {
      const past = log.prefix(count);
      const world = await startWorld({ limits, log: past, recovered: past.recovered() });
      await runUntilIdle(world);
      assert.equal(world.state(), 'idle');
      assertValidLog(past);
      assertValidWindows(past, 'next');
    }
  });
  await fc.assert(property, { seed, numRuns: 40 });
});
