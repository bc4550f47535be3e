/** The actor behind a tool call, with a toolbox that the test holds: what it measures, and what it leaves out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assign, createActor, setup } from 'xstate';
import type {
  CallEnded,
  CallLaidDown,
  CallProgress,
  CallQuestion,
  ToolCallInput,
} from '../../machines/tool-call-terms.ts';
import { createCallToolLogic } from '../../src/conversation/actors/call-tool.ts';
import type { CallEnd, CallOptions } from '../../src/mcp/calls.ts';
import { tool } from '../support/machine-values.ts';

type Told = CallEnded | CallLaidDown | CallProgress | CallQuestion;

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
  answerTimeoutMs: 60_000,
};

/** A call at work: what its toolbox was given, and what its chart is told. */
function startCall(changes: Partial<ToolCallInput> = {}) {
  const { promise: end, resolve: endWith } = Promise.withResolvers<CallEnd>();
  let options: CallOptions | null = null;
  const logic = createCallToolLogic({
    toolbox: { call: (_tool, _args, given) => ((options = given), end) },
    outbox: { broadcast: () => undefined },
    metrics: { toolEnded: () => undefined },
    maxQuestions: 5,
  });
  const chart = setup({
    types: { context: {} as { told: Told[] }, events: {} as Told },
    actors: { call: logic },
  }).createMachine({
    context: { told: [] },
    invoke: { id: 'call', src: 'call', input: { ...input, ...changes } },
    on: { '*': { actions: assign({ told: ({ context, event }) => [...context.told, event] }) } },
  });
  const actor = createActor(chart).start();
  const given = () => options ?? assert.fail('nothing was called');
  return {
    given,
    endWith,
    told: () => actor.getSnapshot().context.told,
    getOn: () => given().onProgress({ progress: 1 }),
    answer: () =>
      actor.getSnapshot().children.call?.send({ type: 'call.answered', answer: { action: 'decline', content: null } }),
  };
}

test('time that people take is none of the call, and progress meanwhile hides none of what comes after', async () => {
  const call = startCall();
  const startedMs = performance.now();
  const answered = call.given().ask(form);
  await sleep(1);
  const askedMs = performance.now();
  await sleep(150);
  call.getOn();
  const people = performance.now() - askedMs;
  call.answer();
  await answered;
  await sleep(20);
  call.getOn();
  const last = call.told().at(-1);
  assert.equal(last?.type, 'call.progress');
  assert.ok(last.workedMs >= 18 && last.workedMs <= performance.now() - startedMs - people, `${last.workedMs} ms`);
});

test('a call that was laid down goes on from the time that it had worked, and tells it when it is laid down again', async () => {
  const resume = { requestState: null, answered: [], questions: 1, workedMs: 930 };
  const call = startCall({ resume });
  assert.equal(call.given().timeoutMs, 70);
  await sleep(20);
  call.endWith({ status: 'laid_down', asks: [{ key: 'k', ask: form }], resume: { ...resume, questions: 2 } });
  await sleep(1);
  const last = call.told().at(-1);
  assert.equal(last?.type, 'call.laidDown');
  assert.equal(last.resume.questions, 2);
  assert.ok(last.resume.workedMs >= 948, `${last.resume.workedMs} ms`);
});
