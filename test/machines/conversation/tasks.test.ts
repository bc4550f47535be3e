/** Checks calls that MCP servers run as tasks: the handle is a row first, a restart goes on with it, an end cancels it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ServerRequest } from '../../../machines/conversation/question-types.ts';
import { reopen, startWorld, type World } from '../../support/machines/conversation.ts';
import { runUntilIdle } from '../../support/machines/run-until-idle.ts';
import { streaming } from '../../support/machines/states.ts';
import { rowLines } from '../../support/machines/row-lines.ts';
import { asked, cancel, remove, respond } from '../../support/machines/values.ts';

const form: ServerRequest = { kind: 'form', message: 'Where?', schema: {} };
const sampling: ServerRequest = { kind: 'sampling', request: { messages: [] } };
const task = { id: 'job-1', pollIntervalMs: 50, answeredKeys: [] };
const turnLines = (world: World) => rowLines(world.log.rowsOf('r1')).slice(1);
const abandoned = (world: World) =>
  world.emitted.flatMap((event) => (event.type === 'task.abandoned' ? [[event.server, event.taskId]] : []));

/** The server of the call of `add` runs it as a task, whose handle is not in the log yet. */
async function becoming(name = 'add'): Promise<World> {
  const world = await startWorld();
  await streaming(world);
  world.currentAnswer().finish({ calls: [asked(name, { callId: 'call_q' })] });
  world.commit();
  world.latestCall(name).ask({ type: 'call.task', task, workedMs: 300 });
  return world;
}

async function following(name = 'add'): Promise<World> {
  const world = await becoming(name);
  world.commit();
  return world;
}

/** The task asks people, and the question is in the log. */
async function asking(ask = form): Promise<World> {
  const world = await following();
  world.latestCall('add').ask({
    type: 'call.suspended',
    requests: [{ key: 'k0', ask }],
    resume: { requestState: null, answered: [], questions: 1, workedMs: 700, task },
    number: 1,
    askedAtMs: 1_000,
  });
  world.commit();
  return world;
}

describe('a call that becomes a task', () => {
  test('waits for the task only after the commit of its handle, and has the result of the task', async () => {
    const world = await becoming();
    assert.equal(world.latestCall('add').followsTask, false);
    world.commit();
    assert.equal(world.latestCall('add').followsTask, true);
    await runUntilIdle(world);
    assert.deepEqual(turnLines(world), [
      'assistant: asks add',
      'dispatch add',
      'add is a task',
      'result add ok',
      'assistant: Hello.',
      'end stop',
    ]);
  });

  for (const name of ['add', 'look'])
    test(`goes on with the same task after a restart, and is not made again (${name})`, async () => {
      const world = await reopen(await following(name));
      world.commit();
      const { input } = world.latestCall(name);
      assert.deepEqual(input.resume, { requestState: null, answered: [], questions: 0, workedMs: 300, task });
      await runUntilIdle(world);
      assert.deepEqual(turnLines(world), [
        'assistant: asks ' + name,
        'dispatch ' + name,
        name + ' is a task',
        'recovered 1',
        `result ${name} ok`,
        'assistant: Hello.',
        'end stop',
      ]);
    });

  test('has an unknown outcome after a restart before the commit of its handle', async () => {
    const world = await reopen(await becoming());
    world.commit();
    assert.match(turnLines(world)[2] ?? '', /^result add outcome_unknown/);
  });

  test('cancels its task through its actor when the turn is stopped', async () => {
    const world = await following();
    world.send(cancel('r2'));
    world.commit();
    assert.equal(world.latestCall('add').aborted, true);
    assert.deepEqual(abandoned(world), [], 'its actor does that');
  });

  test('is cancelled when the turn is stopped before the commit of its handle', async () => {
    const world = await becoming();
    world.send(cancel('r2'));
    world.commit();
    world.commit();
    assert.equal(world.latestCall('add').aborted, true);
  });
});

describe('a task that asks people', () => {
  test('leaves memory, and goes on with the answer after a restart', async () => {
    const world = await reopen(await asking());
    assert.equal(world.state(), 'turn.toolHop.waiting');
    world.send(
      respond('', 'approve', { interruptId: 'question_call_q_1_1', decision: 'answer', content: { where: 'here' } }),
    );
    world.commit();
    const resume = world.latestCall('add').input.resume;
    assert.deepEqual([resume?.task, resume?.workedMs, resume?.answered.map(({ key }) => key)], [task, 700, ['k0']]);
    await runUntilIdle(world);
    assert.equal(turnLines(world).filter((line) => line === 'result add ok').length, 1);
  });

  test('is cancelled at its server when the turn is stopped', async () => {
    const world = await asking();
    world.send(cancel('r2'));
    assert.deepEqual(abandoned(world), [], 'nothing before the commit');
    world.commit();
    assert.deepEqual(abandoned(world), [['demo', 'job-1']]);
  });

  test('is cancelled at its server when the conversation is deleted', async () => {
    const world = await asking();
    world.send(remove('r2'));
    assert.deepEqual(abandoned(world), [['demo', 'job-1']]);
  });

  test('is cancelled at its server when a person denies its sampling request', async () => {
    const world = await asking(sampling);
    world.send(respond('', 'deny', { interruptId: 'question_call_q_1_1' }));
    world.commit();
    assert.deepEqual(abandoned(world), [['demo', 'job-1']]);
  });
});

test('a turn that does not go on after a restart cancels its tasks', async () => {
  const before = await following();
  const world = await reopen(before, { limits: { recovery: { mode: 'interrupt', attempts: 1, maxAgeMs: 1_000 } } });
  assert.deepEqual(abandoned(world), [], 'nothing before the commit');
  world.commit();
  assert.deepEqual(abandoned(world), [['demo', 'job-1']]);
  assert.match(String(world.log.rowsOf('r1').find(({ type }) => type === 'tool_result')?.content), /as a task/);
});

test('questions of a server that keeps its connection open have new ids after a restart', async () => {
  const before = await following();
  const live = { type: 'call.serverRequest' as const, requests: [{ key: '', ask: form }], askedAtMs: 1, workedMs: 1 };
  before.latestCall('add').ask({ ...live, number: 1 });
  before.commit();
  const world = await reopen(before);
  world.commit();
  assert.equal(world.latestCall('add').input.resume?.questions, 1);
});
