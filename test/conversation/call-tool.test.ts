/** Tests the actor of a tool call with a scripted toolbox: which time it measures, and which it leaves out. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assign, createActor, setup } from 'xstate';
import type {
  CallAbort,
  CallEnded,
  CallSuspended,
  CallProgress,
  CallServerRequest,
  CallTask,
  CallTaskStored,
  ToolCallInput,
} from '../../machines/tool-call-types.ts';
import { createCallToolLogic } from '../../src/conversation/actors/call-tool.ts';
import type { CallEnd, CallOptions, FollowOptions } from '../../src/mcp/port.ts';
import { tool } from '../support/machines/values.ts';

type ToChart = CallEnded | CallSuspended | CallProgress | CallServerRequest | CallTask;

const form = { kind: 'form', message: 'Where?', schema: {} } as const;
const input: ToolCallInput = {
  conversationId: 'c1',
  owner: 'me',
  requestId: 'r1',
  callId: 'call-1',
  tool: tool('add'),
  arguments: {},
  resume: null,
  timeoutMs: 100,
  maxTimeoutMs: 1_000,
  taskTimeoutMs: 10_000,
  answerTimeoutMs: 60_000,
};

/** Starts a call. Returns what its toolbox got, and the events that its chart received. */
function startCall(changes: Partial<ToolCallInput> = {}) {
  const { promise: end, resolve: endWith } = Promise.withResolvers<CallEnd>();
  let options: CallOptions | null = null;
  const followed: FollowOptions[] = [];
  const followedEnd = Promise.withResolvers<CallEnd>();
  const cancelled: string[] = [];
  const logic = createCallToolLogic({
    mcpServers: {
      call: (_tool, _args, given) => ((options = given), end),
      followTask: (_server, given) => (followed.push(given), followedEnd.promise),
      cancelTask: (_server, taskId) => (cancelled.push(taskId), Promise.resolve()),
    },
    delivery: { broadcast: () => undefined },
    metrics: { toolEnded: () => undefined },
    maxQuestions: 5,
  });
  const chart = setup({
    types: { context: {} as { received: ToChart[] }, events: {} as ToChart },
    actors: { call: logic },
  }).createMachine({
    context: { received: [] },
    invoke: { id: 'call', src: 'call', input: { ...input, ...changes } },
    on: { '*': { actions: assign({ received: ({ context, event }) => [...context.received, event] }) } },
  });
  const actor = createActor(chart).start();
  const given = () => options ?? assert.fail('no tool was called');
  return {
    given,
    endWith,
    followed,
    endTaskWith: followedEnd.resolve,
    cancelled,
    send: (event: CallAbort | CallTaskStored) => actor.getSnapshot().children.call?.send(event),
    stop: () => actor.stop(),
    received: () => actor.getSnapshot().context.received,
    getOn: () => given().onProgress({ progress: 1 }),
    answer: () =>
      actor.getSnapshot().children.call?.send({ type: 'call.answered', answer: { action: 'decline', content: null } }),
  };
}

test('a call does not count the time that people take, also when progress comes meanwhile', async () => {
  const call = startCall();
  const startedMs = performance.now();
  const answered = call.given().requestInput(form);
  await sleep(1);
  const askedMs = performance.now();
  await sleep(150);
  call.getOn();
  const people = performance.now() - askedMs;
  call.answer();
  await answered;
  await sleep(20);
  call.getOn();
  const last = call.received().at(-1);
  assert.equal(last?.type, 'call.progress');
  assert.ok(last.workedMs >= 18 && last.workedMs <= performance.now() - startedMs - people, `${last.workedMs} ms`);
});

test('a suspended call continues from the time that it had worked, and reports that time when it is suspended again', async () => {
  const resume = { requestState: null, answered: [], questions: 1, workedMs: 930, task: null };
  const call = startCall({ resume });
  assert.equal(call.given().timeoutMs, 70);
  await sleep(20);
  call.endWith({ status: 'suspended', inputRequests: [{ key: 'k', ask: form }], resume: { ...resume, questions: 2 } });
  await sleep(1);
  const last = call.received().at(-1);
  assert.equal(last?.type, 'call.suspended');
  assert.equal(last.resume.questions, 2);
  assert.ok(last.resume.workedMs >= 948, `${last.resume.workedMs} ms`);
});

describe('a call that becomes a task', () => {
  const task = { id: 'job-1', pollIntervalMs: 5, answeredKeys: [] };
  const resumed = { requestState: null, answered: [], questions: 0, workedMs: 0, task };
  const settled = () => sleep(1);

  test('is followed only once its handle is stored', async () => {
    const call = startCall();
    call.endWith({ status: 'task', task });
    await settled();
    assert.deepEqual([call.received().at(-1)?.type, call.followed.length], ['call.task', 0]);
    call.send({ type: 'call.taskStored' });
    await settled();
    assert.deepEqual(
      call.followed.map(({ resume, isFresh }) => [resume.task, isFresh]),
      [[task, true]],
    );
    call.endTaskWith({ status: 'ok', text: 'done', content: null });
    await settled();
    assert.equal(call.received().at(-1)?.type, 'call.ended');
  });

  test('is followed and not made again after a restart', async () => {
    const call = startCall({ resume: resumed });
    await settled();
    assert.throws(call.given, /no tool was called/);
    assert.deepEqual([call.followed[0]?.resume.task.id, call.followed[0]?.isFresh], ['job-1', false]);
  });

  test('is cancelled at its server when the call is', async () => {
    const call = startCall({ resume: resumed });
    call.send({ type: 'call.abort' });
    call.endTaskWith({ status: 'cancelled' });
    await settled();
    assert.deepEqual(call.cancelled, ['job-1']);
    assert.equal(call.followed[0]?.signal.aborted, true);
  });

  test('goes on at its server when its actor is stopped, as by the end of the process', async () => {
    const call = startCall({ resume: resumed });
    call.stop();
    call.endTaskWith({ status: 'cancelled' });
    await settled();
    assert.deepEqual([call.cancelled, call.followed[0]?.signal.aborted], [[], true]);
  });
});
