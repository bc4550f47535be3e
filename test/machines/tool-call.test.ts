/** Tests the tool-call chart: every end, reported to the hop exactly once. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SimulatedClock, assign, createActor, fromCallback, setup } from 'xstate';
import type { CallBecameTask, CallNeedsInput } from '../../machines/conversation/events.ts';
import type { CallResult } from '../../machines/conversation/hop-answers.ts';
import type {
  CallAbort,
  CallAnswered,
  CallEnded,
  CallSuspended,
  CallProgress,
  CallServerRequest,
  CallTask,
  CallTaskStored,
  ToolCallInput,
} from '../../machines/tool-call-types.ts';
import { toolCallMachine } from '../../machines/tool-call.ts';
import { tool } from '../support/machines/values.ts';

const input: ToolCallInput = {
  conversationId: 'c1',
  owner: 'me',
  requestId: 'r1',
  callId: 'call-1',
  tool: tool('add'),
  arguments: { a: 1 },
  resume: null,
  timeoutMs: 2_000,
  maxTimeoutMs: 5_000,
  taskTimeoutMs: 20_000,
  answerTimeoutMs: 60_000,
};

const form = { kind: 'form', message: 'Where?', schema: {} } as const;
const resume = { requestState: null, answered: [], questions: 1, workedMs: 1_500, task: null };
const task = { id: 'job-1', pollIntervalMs: null, answeredKeys: [] };
const answer = { action: 'accept', content: null } as const;

/** A call under a parent that keeps the events that it gets, like a hop. */
function startCall(fault?: Error, changes: Partial<ToolCallInput> = {}) {
  const aborts: (CallAbort | CallAnswered | CallTaskStored)[] = [];
  let report: (event: CallEnded | CallProgress | CallServerRequest | CallSuspended | CallTask) => void = () =>
    undefined;
  let open = false;
  const asks: CallNeedsInput[] = [];
  const tasks: CallBecameTask[] = [];
  const logic = toolCallMachine.provide({
    actors: {
      callTool: fromCallback<CallAbort | CallAnswered | CallTaskStored, ToolCallInput>(({ sendBack, receive }) => {
        if (fault) throw fault;
        open = true;
        report = sendBack;
        receive((event) => aborts.push(event));
        return () => (open = false);
      }),
    },
  });
  const hop = setup({
    types: {
      context: {} as { settled: CallResult[] },
      events: {} as { type: 'call.settled'; callId: string; result: CallResult } | CallNeedsInput | CallBecameTask,
    },
    actors: { call: logic },
  }).createMachine({
    context: { settled: [] },
    invoke: { id: 'call', src: 'call', input: { ...input, ...changes } },
    on: {
      'call.needsInput': { actions: ({ event }) => asks.push(event) },
      'call.becameTask': { actions: ({ event }) => tasks.push(event) },
      'call.settled': { actions: assign({ settled: ({ context, event }) => [...context.settled, event.result] }) },
    },
  });
  const clock = new SimulatedClock();
  const parent = createActor(hop, { clock }).start();
  const call = parent.getSnapshot().children.call;
  return {
    clock,
    aborts,
    cancel: () => call?.send({ type: 'call.cancel' }),
    end: (status: CallEnded['status'], text = 'said') =>
      report({ type: 'call.ended', status, text, content: { said: text }, durationMs: 7 }),
    asks,
    tasks,
    becomeTask: (workedMs = 0) => report({ type: 'call.task', task, workedMs }),
    storeTask: () => call?.send({ type: 'call.taskStored' }),
    question: (workedMs = 0) =>
      report({ type: 'call.serverRequest', requests: [{ key: '', ask: form }], number: 1, askedAtMs: 5, workedMs }),
    suspend: () =>
      report({ type: 'call.suspended', requests: [{ key: 'k', ask: form }], resume, number: 1, askedAtMs: 5 }),
    answer: () => call?.send({ type: 'call.answered', answer }),
    getOn: (workedMs: number) => report({ type: 'call.progress', workedMs }),
    settled: () => parent.getSnapshot().context.settled,
    isOpen: () => open,
  };
}

describe('a call that runs to its end', () => {
  for (const [status, end, text] of [
    ['ok', 'ok', /^said$/],
    ['error', 'error', /^said$/],
    ['cancelled', 'cancelled', /cancelled by the user/],
    ['lost', 'outcome_unknown', /^said It may or may not have taken effect/],
  ] as const) {
    test(`and reports ${status} ends as ${end}, once, and is over`, () => {
      const call = startCall();
      call.end(status);
      const [result, ...more] = call.settled();
      assert.deepEqual(
        [result?.status, result?.content, result?.durationMs, more.length],
        [end, { said: 'said' }, 7, 0],
      );
      assert.match(String(result?.text), text);
      assert.equal(call.isOpen(), false);
      assert.equal(call.aborts.length, 0);
    });
  }

  test('and throws is an error inside Parley', () => {
    const [result, ...more] = startCall(new Error('a bug')).settled();
    assert.deepEqual([result?.status, result?.content, more.length], ['error', null, 0]);
    assert.match(String(result?.text), /failed inside Parley/);
  });
});

describe('a call whose server requests input of people', () => {
  test('stops its clock until the answer, which restarts its timeout', () => {
    const call = startCall();
    call.clock.increment(1_999);
    call.question(1_999);
    assert.deepEqual(
      call.asks.map(({ callId, resume }) => [callId, resume]),
      [['call-1', null]],
    );
    call.clock.increment(59_999);
    assert.equal(call.aborts.length, 0);
    call.answer();
    assert.deepEqual(call.aborts, [{ type: 'call.answered', answer }]);
    call.clock.increment(1_999);
    call.end('ok');
    assert.deepEqual(
      call.settled().map(({ status }) => status),
      ['ok'],
    );
  });

  test('does not exceed its longest time by repeated requests', () => {
    const call = startCall();
    for (const workedMs of [1_900, 3_800]) {
      call.clock.increment(1_900);
      call.question(workedMs);
      call.clock.increment(50_000);
      call.answer();
    }
    call.clock.increment(1_199);
    assert.deepEqual(
      call.aborts.map(({ type }) => type),
      ['call.answered', 'call.answered'],
    );
    call.clock.increment(1);
    assert.equal(call.aborts.at(-1)?.type, 'call.abort', 'after 5 s at work');
    call.end('cancelled');
    assert.match(String(call.settled()[0]?.text), /within 5 s in all/);
  });

  test('keeps what is left of its longest time after it was suspended', () => {
    const call = startCall(undefined, { resume: { ...resume, workedMs: 4_000 } });
    call.clock.increment(500);
    call.getOn(4_500);
    call.clock.increment(499);
    assert.equal(call.aborts.length, 0);
    call.clock.increment(1);
    assert.deepEqual(call.aborts, [{ type: 'call.abort' }]);
  });

  test('uses its timeout if it exceeds the longest time', () => {
    const call = startCall(undefined, { timeoutMs: 9_000 });
    call.clock.increment(1_000);
    call.question(1_000);
    call.answer();
    call.clock.increment(7_999);
    assert.deepEqual(
      call.aborts.map(({ type }) => type),
      ['call.answered'],
    );
    call.clock.increment(1);
    assert.equal(call.aborts.at(-1)?.type, 'call.abort');
  });

  test('times out without an answer', () => {
    const call = startCall();
    call.question();
    call.clock.increment(60_000);
    assert.deepEqual(
      call.aborts.map(({ type }) => type),
      ['call.abort'],
    );
    call.end('cancelled');
    assert.match(String(call.settled()[0]?.text), /no answer of a person in time/);
  });

  test('ends when its server suspends it, and reports the resumption', () => {
    const call = startCall();
    call.suspend();
    assert.deepEqual(call.asks, [
      {
        type: 'call.needsInput',
        callId: 'call-1',
        requests: [{ key: 'k', ask: form }],
        resume,
        number: 1,
        askedAtMs: 5,
      },
    ]);
    assert.deepEqual([call.settled(), call.isOpen()], [[], false]);
  });
});

describe('a call that takes too long', () => {
  test('is aborted at its limit, and has timed out with every reported end', () => {
    for (const status of ['ok', 'error', 'cancelled', 'lost'] as const) {
      const call = startCall();
      call.clock.increment(1_999);
      assert.equal(call.aborts.length, 0);
      call.clock.increment(1);
      assert.equal(call.aborts.length, 1);
      assert.deepEqual(call.settled(), []);
      call.end(status);
      assert.deepEqual(
        call.settled().map((result) => result.status),
        ['timed_out'],
      );
      assert.match(String(call.settled()[0]?.text), /within 2 s.*may have taken effect/);
    }
  });

  test('restarts its timeout with each progress, up to its longest time', () => {
    const call = startCall();
    for (const workedMs of [1_500, 3_000]) {
      call.clock.increment(1_500);
      call.getOn(workedMs);
    }
    call.clock.increment(1_500);
    call.getOn(4_500);
    assert.equal(call.aborts.length, 0);
    call.clock.increment(499);
    assert.equal(call.aborts.length, 0);
    call.clock.increment(1);
    assert.equal(call.aborts.length, 1, 'at 5 s, in spite of progress at 4.5 s');
    call.getOn(5_000);
    call.end('cancelled');
    assert.deepEqual(
      call.settled().map((result) => result.status),
      ['timed_out'],
    );
  });

  test('and does not report its end is not waited for', () => {
    const late = startCall();
    late.clock.increment(2_000);
    late.clock.increment(2_000);
    assert.deepEqual(
      late.settled().map((result) => result.status),
      ['timed_out'],
    );
    const stopped = startCall();
    stopped.cancel();
    stopped.clock.increment(2_000);
    assert.deepEqual(
      stopped.settled().map((result) => result.status),
      ['cancelled'],
    );
  });

  test('is not aborted again by a cancel', () => {
    const call = startCall();
    call.clock.increment(2_000);
    call.cancel();
    call.end('cancelled');
    assert.equal(call.aborts.length, 1);
    assert.deepEqual(
      call.settled().map((result) => result.status),
      ['timed_out'],
    );
  });
});

describe('a call that is cancelled', () => {
  test('is aborted once, and ends when it reports', () => {
    for (const status of ['error', 'cancelled', 'lost'] as const) {
      const call = startCall();
      call.cancel();
      call.cancel();
      assert.equal(call.aborts.length, 1);
      assert.deepEqual(call.settled(), []);
      call.end(status);
      assert.deepEqual(
        call.settled().map((result) => result.status),
        ['cancelled'],
      );
    }
  });

  test('keeps a result that came before the cancel', () => {
    const call = startCall();
    call.cancel();
    call.end('ok');
    assert.deepEqual(
      call.settled().map((result) => [result.status, result.text]),
      [['ok', 'said']],
    );
  });

  test('does not time out as well', () => {
    const call = startCall();
    call.cancel();
    call.clock.increment(10_000);
    call.end('cancelled');
    assert.deepEqual(
      call.settled().map((result) => result.status),
      ['cancelled'],
    );
    assert.equal(call.aborts.length, 1);
  });
});

describe('a call that its server runs as a task', () => {
  const orders = ({ aborts }: ReturnType<typeof startCall>) => aborts.map(({ type }) => type);
  const statuses = (call: ReturnType<typeof startCall>) => call.settled().map(({ status }) => status);

  test('waits for the task once its handle is stored, without its own timeout', () => {
    const call = startCall();
    call.becomeTask(1_000);
    assert.deepEqual(call.tasks, [{ type: 'call.becameTask', callId: 'call-1', task, workedMs: 1_000 }]);
    call.clock.increment(100_000);
    assert.deepEqual(orders(call), [], 'the commit has no timeout here');
    call.storeTask();
    call.clock.increment(18_999);
    assert.deepEqual(orders(call), ['call.taskStored']);
    call.end('ok');
    assert.deepEqual(statuses(call), ['ok']);
  });

  test('times out after the time of tasks, and says that the task is cancelled', () => {
    const call = startCall();
    call.becomeTask(1_000);
    call.storeTask();
    call.clock.increment(10_000);
    call.getOn(11_000);
    call.clock.increment(8_999);
    assert.deepEqual(orders(call), ['call.taskStored']);
    call.clock.increment(1);
    assert.deepEqual(orders(call), ['call.taskStored', 'call.abort']);
    call.end('cancelled');
    assert.deepEqual(statuses(call), ['timed_out']);
    assert.match(String(call.settled()[0]?.text), /did not end within 20 s.*asked the server to cancel/);
  });

  test('waits for the same task after a restart', () => {
    const call = startCall(undefined, { resume: { ...resume, workedMs: 19_000, task } });
    assert.equal(call.tasks.length, 0, 'it is in the log already');
    call.clock.increment(999);
    assert.deepEqual(orders(call), []);
    call.clock.increment(1);
    assert.deepEqual(orders(call), ['call.abort']);
  });

  for (const isStored of [false, true])
    test(`is cancelled ${isStored ? 'while it waits' : 'before its handle is stored'}`, () => {
      const call = startCall();
      call.becomeTask();
      if (isStored) call.storeTask();
      call.cancel();
      assert.equal(orders(call).at(-1), 'call.abort');
      call.end('cancelled');
      assert.deepEqual(statuses(call), ['cancelled']);
    });

  test('goes on with the task after an answer on the open connection', () => {
    const call = startCall(undefined, { resume: { ...resume, workedMs: 0, task } });
    call.question(1_000);
    call.clock.increment(50_000);
    call.answer();
    call.clock.increment(18_999);
    assert.deepEqual(orders(call), ['call.answered']);
    call.end('lost');
    assert.deepEqual(statuses(call), ['outcome_unknown']);
  });
});
