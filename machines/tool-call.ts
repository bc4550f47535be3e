/**
 * One tool call, from dispatch to one of its ends. Spawned by a hop, one actor a call; its
 * dispatch row is committed before it starts. The call itself is the provided actor `callTool`.
 */
import { fromCallback, sendParent, setup } from 'xstate';
import type { CallNeedsInput } from './conversation/events.ts';
import type { CallResult } from './conversation/hop-answers.ts';
import { providedAtBoot } from './provided-at-boot.ts';
import type { HopTool } from './conversation/turn-state.ts';
import type { KeyedAsk, Resumption, ServerAnswer } from './conversation/question-types.ts';
import { CANCELLED } from './conversation/rows/turn-rows.ts';

export interface ToolCallInput {
  conversationId: string;
  owner: string;
  requestId: string;
  callId: string;
  tool: HopTool;
  arguments: Record<string, unknown>;
  /** With which its server, which had laid it down, goes on; null the first time. */
  resume: Resumption | null;
  /** Without an end and without progress. */
  timeoutMs: number;
  /** Whatever progress it tells of, and however often it asks people. */
  maxTimeoutMs: number;
  /** How long a server that waits for a person's answer may do so. */
  answerTimeoutMs: number;
}

/** What the provided `callTool` reports, exactly once; `lost`: dispatched, then the transport went away. */
export interface CallEnded {
  type: 'call.ended';
  status: 'ok' | 'error' | 'cancelled' | 'lost';
  text: string;
  content: unknown;
  durationMs: number;
}

/** The server asks people, and waits; `number`: the how-manieth time, from 1. No other question comes before the answer. */
export interface CallServerRequest {
  type: 'call.serverRequest';
  requests: KeyedAsk[];
  number: number;
  /** In ms since the epoch. */
  askedAtMs: number;
  /** See `CallProgress`. */
  workedMs: number;
}

/** The server has laid the call down until people have answered: the last word of this actor. */
export interface CallSuspended extends Omit<CallServerRequest, 'type' | 'workedMs'> {
  type: 'call.suspended';
  resume: Resumption;
}

/** The answer to `call.serverRequest`. */
export interface CallAnswered {
  type: 'call.answered';
  answer: ServerAnswer;
}

/** Asks `callTool` to give up; it still reports its end. */
export interface CallAbort {
  type: 'call.abort';
}

/** The tool is getting on. Not every step is told: a few within each timeout will do. */
export interface CallProgress {
  type: 'call.progress';
  /** Since the call began, without the time that people took for their answers; plus the time before it was suspended. */
  workedMs: number;
}

export interface ToolCallContext extends ToolCallInput {
  /** As it was last told. */
  workedMs: number;
}

export type ToolCallEvent =
  | CallEnded
  | CallProgress
  | CallServerRequest
  | CallSuspended
  | CallAnswered
  | { type: 'call.cancel' };

/** How long a call may go on that neither ends nor is heard of: its time anew, as far as all of its time together allows. */
export function timeLeftMs(
  { timeoutMs, maxTimeoutMs }: Pick<ToolCallInput, 'timeoutMs' | 'maxTimeoutMs'>,
  workedMs: number,
): number {
  const longestMs = Math.max(timeoutMs, maxTimeoutMs);
  return Math.max(0, Math.min(timeoutMs, longestMs - workedMs));
}

const callSetup = setup({
  types: {
    context: {} as ToolCallContext,
    events: {} as ToolCallEvent,
    input: {} as ToolCallInput,
  },
  actors: {
    callTool: fromCallback<CallAbort | CallAnswered, ToolCallInput>(providedAtBoot),
  },
  delays: {
    timeout: ({ context }) => timeLeftMs(context, context.workedMs),
    answerTimeout: ({ context }) => context.answerTimeoutMs,
    /** A call that was told to give up and does not say so is left behind. */
    grace: 2_000,
  },
  guards: {
    succeeded: ({ event }) => event.type === 'call.ended' && event.status === 'ok',
    wasCancelled: ({ event }) => event.type === 'call.ended' && event.status === 'cancelled',
    lostItsTransport: ({ event }) => event.type === 'call.ended' && event.status === 'lost',
  },
});

/** Tells the hop how the call ended, in the words of the end that the chart has chosen. */
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
    keepTime: callSetup.assign(({ event }) =>
      event.type === 'call.progress' || event.type === 'call.serverRequest' ? { workedMs: event.workedMs } : {},
    ),
    askPeople: callSetup.enqueueActions(({ context: { callId }, event, enqueue }) => {
      if (event.type !== 'call.serverRequest' && event.type !== 'call.suspended') return;
      const { requests: asks, number, askedAtMs } = event;
      const told: CallNeedsInput = {
        type: 'call.needsInput',
        callId,
        requests: asks,
        number,
        askedAtMs,
        resume: event.type === 'call.suspended' ? event.resume : null,
      };
      enqueue(sendParent(told));
    }),
    passAnswerOn: callSetup.enqueueActions(({ event, enqueue }) => {
      if (event.type === 'call.answered') enqueue.sendTo('call', event);
    }),
    askToGiveUp: callSetup.sendTo('call', { type: 'call.abort' }),
    reportResult: settle('ok', (_context, text) => text),
    reportError: settle(
      'error',
      (_context, text) => text || 'The call failed inside Parley; it may have taken effect.',
    ),
    reportTimeout: settle(
      'timed_out',
      ({ timeoutMs, maxTimeoutMs }) =>
        `No result and no progress within ${timeoutMs / 1000} s, no result within ${Math.max(timeoutMs, maxTimeoutMs) / 1000} s in all, or no answer of a person in time; the call was given up. It may have taken effect all the same.`,
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

/** What each state is for stands in its description; each final state tells the parent once, as `call.settled`, or `call.needsInput` where the call goes on later. */
export const toolCallMachine = call.createMachine({
  id: 'toolCall',
  description: 'One tool call, from its dispatch to one of its ends. A hop has one for each call that it makes.',
  context: ({ input }) => ({ ...input, workedMs: input.resume?.workedMs ?? 0 }),
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
        'The tool is at work. Its time begins anew with each progress and with each answer, within what is left of all its time.',
      after: { timeout: 'timingOut' },
      on: {
        'call.cancel': 'cancelling',
        // Its time begins anew.
        'call.progress': { target: 'running', reenter: true, actions: 'keepTime' },
        'call.serverRequest': { target: 'asking', actions: 'keepTime' },
        'call.suspended': 'suspended',
        'call.ended': ends,
      },
    },
    asking: {
      description: 'The server waits for a person, and the clock of the call stands still.',
      entry: 'askPeople',
      after: { answerTimeout: 'timingOut' },
      on: {
        'call.cancel': 'cancelling',
        'call.progress': {},
        'call.answered': { target: 'running', actions: 'passAnswerOn' },
        'call.ended': ends,
      },
    },
    timingOut: {
      description: 'Its time is up: it was asked to give up, and gets a grace to say so.',
      entry: 'askToGiveUp',
      after: { grace: 'timedOut' },
      on: {
        'call.cancel': {},
        'call.progress': {},
        'call.ended': 'timedOut',
      },
    },
    cancelling: {
      description:
        'The turn was stopped: the call was asked to give up, and gets a grace to say so. A result that comes all the same is kept.',
      entry: 'askToGiveUp',
      after: { grace: 'cancelled' },
      on: {
        'call.cancel': {},
        'call.progress': {},
        'call.ended': [{ guard: 'succeeded', target: 'ok' }, { target: 'cancelled' }],
      },
    },
    suspended: {
      description: 'The server asks people, and has laid the call down until it is called again with their answers.',
      type: 'final',
      entry: 'askPeople',
    },
    ok: { description: 'The tool has answered.', type: 'final', entry: 'reportResult' },
    error: {
      description: 'The tool reports a failure, or the call failed inside Parley.',
      type: 'final',
      entry: 'reportError',
    },
    timedOut: {
      description: 'No result in time. The call may have taken effect all the same, and the model is told so.',
      type: 'final',
      entry: 'reportTimeout',
    },
    cancelled: { description: 'Given up because the turn was stopped.', type: 'final', entry: 'reportCancelled' },
    outcomeUnknown: {
      description: 'The transport was lost after the dispatch: nobody knows whether the call has taken effect.',
      type: 'final',
      entry: 'reportUnknown',
    },
  },
});
