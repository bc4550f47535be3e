/** One tool call by itself: every way it can end, and that its hop hears of it exactly once. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SimulatedClock, assign, createActor, fromCallback, setup } from 'xstate';
import type { CallAsks } from '../../machines/conversation/events.ts';
import type { CallResult } from '../../machines/conversation/hop-answers.ts';
import type {
  CallAbort,
  CallAnswered,
  CallEnded,
  CallLaidDown,
  CallProgress,
  CallQuestion,
  ToolCallInput,
} from '../../machines/tool-call-terms.ts';
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
  answerTimeoutMs: 60_000,
};

const form = { kind: 'form', message: 'Where?', schema: {} } as const;
const resume = { requestState: null, answered: [], questions: 1, workedMs: 1_500 };
const answer = { action: 'accept', content: null } as const;

/** A call under a parent that keeps what it is told, as a hop would. */
function startCall(fault?: Error, changes: Partial<ToolCallInput> = {}) {
  const aborts: (CallAbort | CallAnswered)[] = [];
  let report: (event: CallEnded | CallProgress | CallQuestion | CallLaidDown) => void = () => undefined;
  let open = false;
  const asks: CallAsks[] = [];
  const logic = toolCallMachine.provide({
    actors: {
      callTool: fromCallback<CallAbort | CallAnswered, ToolCallInput>(({ sendBack, receive }) => {
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
      events: {} as { type: 'call.settled'; callId: string; result: CallResult } | CallAsks,
    },
    actors: { call: logic },
  }).createMachine({
    context: { settled: [] },
    invoke: { id: 'call', src: 'call', input: { ...input, ...changes } },
    on: {
      'call.asks': { actions: ({ event }) => asks.push(event) },
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
    question: (workedMs = 0) =>
      report({ type: 'call.question', asks: [{ key: '', ask: form }], number: 1, askedAtMs: 5, workedMs }),
    layDown: () => report({ type: 'call.laidDown', asks: [{ key: 'k', ask: form }], resume, number: 1, askedAtMs: 5 }),
    answer: () => call?.send({ type: 'call.answered', answer }),
    getOn: (workedMs: number) => report({ type: 'call.progress', workedMs }),
    settled: () => parent.getSnapshot().context.settled,
    isOpen: () => open,
  };
}

describe('a call that is left alone', () => {
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

  test('and throws is an error that says whose fault it was', () => {
    const [result, ...more] = startCall(new Error('a bug')).settled();
    assert.deepEqual([result?.status, result?.content, more.length], ['error', null, 0]);
    assert.match(String(result?.text), /failed inside Parley/);
  });
});

describe('a call whose server asks people', () => {
  test('has its clock stand still until the answer, and then its time anew', () => {
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

  test('has no more than what is left of its longest time, however often it asks', () => {
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

  test('that was laid down has what is left of it, too', () => {
    const call = startCall(undefined, { resume: { ...resume, workedMs: 4_000 } });
    call.clock.increment(500);
    call.getOn(4_500);
    call.clock.increment(499);
    assert.equal(call.aborts.length, 0);
    call.clock.increment(1);
    assert.deepEqual(call.aborts, [{ type: 'call.abort' }]);
  });

  test('has its timeout where that is the longer of the two', () => {
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

  test('is given up when nobody answers', () => {
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

  test('is over when its server has laid it down, and tells what it is made again with', () => {
    const call = startCall();
    call.layDown();
    assert.deepEqual(call.asks, [
      { type: 'call.asks', callId: 'call-1', asks: [{ key: 'k', ask: form }], resume, number: 1, askedAtMs: 5 },
    ]);
    assert.deepEqual([call.settled(), call.isOpen()], [[], false]);
  });
});

describe('a call that takes too long', () => {
  test('is aborted at its limit, and has timed out when it reports, whatever it reports', () => {
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

  test('has its time anew with each step that it tells of, up to the longest time that a call may take', () => {
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
    assert.equal(call.aborts.length, 1, 'at 5 s, whatever it told at 4.5 s');
    call.getOn(5_000);
    call.end('cancelled');
    assert.deepEqual(
      call.settled().map((result) => result.status),
      ['timed_out'],
    );
  });

  test('and does not even say that it gave up is left behind', () => {
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

  test('is not aborted again by a Stop', () => {
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
  test('is aborted once, and is over when it reports', () => {
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

  test('keeps a result that overtook the Stop', () => {
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
