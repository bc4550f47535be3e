/**
 * Defines the chart of one tool call, from dispatch to one of its ends. A hop spawns one actor for each call, after the
 * dispatch row is committed. The provided actor `callTool` makes the call.
 */
import { fromCallback, sendParent, setup } from 'xstate';
import type { CallBecameTask, CallNeedsInput } from './conversation/events.ts';
import type { CallResult } from './conversation/hop-answers.ts';
import { providedAtBoot } from './provided-at-boot.ts';
import type {
  CallAbort,
  CallAnswered,
  CallTaskStored,
  ToolCallContext,
  ToolCallEvent,
  ToolCallInput,
} from './tool-call-types.ts';
import { CANCELLED } from './conversation/rows/turn-rows.ts';

/** Returns how long a call may run without progress: its timeout, within what is left of its longest time. */
export function timeLeftMs(
  { timeoutMs, maxTimeoutMs }: Pick<ToolCallInput, 'timeoutMs' | 'maxTimeoutMs'>,
  workedMs: number,
): number {
  const longestMs = Math.max(timeoutMs, maxTimeoutMs);
  return Math.max(0, Math.min(timeoutMs, longestMs - workedMs));
}

/** Returns how long a task may still run. A task has no need to report progress. */
function taskTimeLeftMs({ taskTimeoutMs, workedMs }: ToolCallContext): number {
  return Math.max(0, taskTimeoutMs - workedMs);
}

const callSetup = setup({
  types: {
    context: {} as ToolCallContext,
    events: {} as ToolCallEvent,
    input: {} as ToolCallInput,
  },
  actors: {
    callTool: fromCallback<CallAbort | CallAnswered | CallTaskStored, ToolCallInput>(providedAtBoot),
  },
  delays: {
    timeout: ({ context }) => timeLeftMs(context, context.workedMs),
    taskTimeout: ({ context }) => taskTimeLeftMs(context),
    answerTimeout: ({ context }) => context.answerTimeoutMs,
    /** How long to wait for the end of an aborted call. */
    grace: 2_000,
  },
  guards: {
    hasTask: ({ context }) => context.task !== null,
    succeeded: ({ event }) => event.type === 'call.ended' && event.status === 'ok',
    wasCancelled: ({ event }) => event.type === 'call.ended' && event.status === 'cancelled',
    lostItsTransport: ({ event }) => event.type === 'call.ended' && event.status === 'lost',
  },
});

/** Sends the result to the hop, with the status that the chart has chosen. */
const settle = (status: CallResult['status'], say: (context: ToolCallContext, text: string) => string) =>
  callSetup.enqueueActions(({ context, event, enqueue }) => {
    const ended = event.type === 'call.ended' ? event : null;
    const result: CallResult = {
      status,
      text: say(context, ended?.text ?? ''),
      content: ended?.content ?? null,
      durationMs: ended?.durationMs ?? context.timeoutMs,
    };
    enqueue(sendParent({ type: 'call.settled', callId: context.callId, result }));
  });

const call = callSetup.extend({
  actions: {
    keepWorkedTime: callSetup.assign(({ event }) =>
      event.type === 'call.progress' || event.type === 'call.serverRequest' ? { workedMs: event.workedMs } : {},
    ),
    keepTask: callSetup.assign(({ event }) =>
      event.type === 'call.task' ? { task: event.task, workedMs: event.workedMs } : {},
    ),
    reportTask: callSetup.enqueueActions(({ context: { callId }, event, enqueue }) => {
      if (event.type !== 'call.task') return;
      const { task, workedMs } = event;
      enqueue(sendParent({ type: 'call.becameTask', callId, task, workedMs } satisfies CallBecameTask));
    }),
    followTask: callSetup.sendTo('call', { type: 'call.taskStored' }),
    reportRequests: callSetup.enqueueActions(({ context: { callId }, event, enqueue }) => {
      if (event.type !== 'call.serverRequest' && event.type !== 'call.suspended') return;
      const { requests, number, askedAtMs } = event;
      const needsInput: CallNeedsInput = {
        type: 'call.needsInput',
        callId,
        requests,
        number,
        askedAtMs,
        resume: event.type === 'call.suspended' ? event.resume : null,
      };
      enqueue(sendParent(needsInput));
    }),
    passAnswer: callSetup.enqueueActions(({ event, enqueue }) => {
      if (event.type === 'call.answered') enqueue.sendTo('call', event);
    }),
    abortCall: callSetup.sendTo('call', { type: 'call.abort' }),
    reportResult: settle('ok', (_context, text) => text),
    reportError: settle(
      'error',
      (_context, text) => text || 'The call failed inside Parley. It may have taken effect.',
    ),
    reportTimeout: settle('timed_out', ({ timeoutMs, maxTimeoutMs, taskTimeoutMs, task }) =>
      task !== null
        ? `The call timed out: its server runs it as a task, which did not end within ${taskTimeoutMs / 1000} s, or a person did not answer in time. Parley has asked the server to cancel the task. It may have taken effect.`
        : `The call timed out: no result and no progress within ${timeoutMs / 1000} s, no result within ${Math.max(timeoutMs, maxTimeoutMs) / 1000} s in all, or no answer of a person in time. It may have taken effect.`,
    ),
    reportCancelled: settle('cancelled', () => CANCELLED),
    reportUnknown: settle(
      'outcome_unknown',
      (_context, text) => `${text} It may or may not have taken effect: check before you repeat it.`,
    ),
  },
});

const ends = [
  { guard: 'succeeded', target: 'ok' },
  { guard: 'wasCancelled', target: 'cancelled' },
  { guard: 'lostItsTransport', target: 'outcomeUnknown' },
  { target: 'error' },
] as const;

/** Each final state reports to the parent once: `call.settled`, or `call.needsInput` for a suspended call. */
export const toolCallMachine = call.createMachine({
  id: 'toolCall',
  description: 'One tool call, from its dispatch to one of its ends. A hop has one actor for each call.',
  context: ({ input }) => ({ ...input, workedMs: input.resume?.workedMs ?? 0, task: input.resume?.task ?? null }),
  invoke: {
    id: 'call',
    src: 'callTool',
    input: ({ context }) => context,
    onDone: { target: '.error' },
    onError: { target: '.error' },
  },
  initial: 'running',
  states: {
    running: {
      description:
        'The tool is running. Each progress and each answer restarts its timeout, within what is left of its longest time.',
      // A call that goes on after a restart, or after an answer of a person.
      always: { guard: 'hasTask', target: 'waitingForTask' },
      after: { timeout: 'timingOut' },
      on: {
        'call.cancel': 'cancelling',
        // Restarts the timeout.
        'call.progress': { target: 'running', reenter: true, actions: 'keepWorkedTime' },
        'call.serverRequest': { target: 'asking', actions: 'keepWorkedTime' },
        'call.suspended': 'suspended',
        'call.task': { target: 'storingTask', actions: 'keepTask' },
        'call.ended': ends,
      },
    },
    storingTask: {
      description:
        'The server has answered with a task. Its handle is being committed, so that a restart finds the task.',
      entry: 'reportTask',
      on: {
        'call.cancel': 'cancelling',
        'call.progress': {},
        'call.taskStored': { target: 'waitingForTask', actions: 'followTask' },
        'call.ended': ends,
      },
    },
    waitingForTask: {
      description:
        'The server runs the call as a task. Parley asks for its state until it ends or asks people. The call is not made again.',
      after: { taskTimeout: 'timingOut' },
      on: {
        'call.cancel': 'cancelling',
        'call.progress': { target: 'waitingForTask', reenter: true, actions: 'keepWorkedTime' },
        'call.serverRequest': { target: 'asking', actions: 'keepWorkedTime' },
        'call.suspended': 'suspended',
        'call.ended': ends,
      },
    },
    asking: {
      description: 'The server waits for a person. The clock of the call is stopped.',
      entry: 'reportRequests',
      after: { answerTimeout: 'timingOut' },
      on: {
        'call.cancel': 'cancelling',
        'call.progress': {},
        'call.answered': { target: 'running', actions: 'passAnswer' },
        'call.ended': ends,
      },
    },
    timingOut: {
      description: 'The call has timed out and was aborted. It has a grace period to report its end.',
      entry: 'abortCall',
      after: { grace: 'timedOut' },
      on: {
        'call.cancel': {},
        'call.progress': {},
        'call.ended': 'timedOut',
      },
    },
    cancelling: {
      description:
        'The turn was cancelled, and the call was aborted. It has a grace period to report its end. A result that still comes is kept.',
      entry: 'abortCall',
      after: { grace: 'cancelled' },
      on: {
        'call.cancel': {},
        'call.progress': {},
        'call.ended': [{ guard: 'succeeded', target: 'ok' }, { target: 'cancelled' }],
      },
    },
    suspended: {
      description: 'The server needs input of people. The call goes on with their answers.',
      type: 'final',
      entry: 'reportRequests',
    },
    ok: { description: 'The tool has returned a result.', type: 'final', entry: 'reportResult' },
    error: {
      description: 'The tool reports a failure, or the call failed inside Parley.',
      type: 'final',
      entry: 'reportError',
    },
    timedOut: {
      description: 'No result in time. The call may have taken effect, and its result for the model says so.',
      type: 'final',
      entry: 'reportTimeout',
    },
    cancelled: {
      description: 'The call was aborted because the turn was cancelled.',
      type: 'final',
      entry: 'reportCancelled',
    },
    outcomeUnknown: {
      description: 'The transport was lost after the dispatch: it is unknown whether the call has taken effect.',
      type: 'final',
      entry: 'reportUnknown',
    },
  },
});
