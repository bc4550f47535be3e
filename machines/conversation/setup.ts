/**
 * The ground that the conversation chart stands on: its types, the actors it asks for by name
 * (provided once, at boot), its delays and its guards. Guards read as facts.
 */
import { fromCallback, fromPromise, setup, type EventObject } from 'xstate';
import type { ConversationEmitted, ConversationEvent } from './events.ts';
import type { Answer } from './hop-answers.ts';
import type { ConversationContext, ConversationInput } from './context.ts';
import type { HopContext, HopTool, OpenCall, RunningTurn, Standing } from './turn-state.ts';
import type { ModelMessage } from '../context-window/model-messages.ts';
import { providedAtBoot } from '../provided-at-boot.ts';
import { askedAbout, isAsking } from './rows/approval.ts';
import { toolCallMachine } from '../tool-call.ts';
import { onlyWaits, recoveryEnd } from './decisions/recovery.ts';
import { budgetFault } from '../usage.ts';

export interface ReadLogInput {
  conversationId: string;
  owner: string;
}

export interface LoadContextInput extends ReadLogInput {
  requestId: string;
  /** What the context may hold; null: as much as ever. */
  budgetTokens: number | null;
  /** The first of its turn, and nothing has been asked yet. */
  isFirst: boolean;
}

export interface AnswerInput extends ReadLogInput {
  requestId: string;
  provider: string;
  /** See `HopContext`. */
  model: string | null;
  messages: readonly ModelMessage[];
  /** Of the messages, estimated. */
  contextTokens: number;
  tools: ReadonlyMap<string, HopTool>;
}

/** Ends the model's stream; the actor then reports what had arrived as `answer.finished`. */
export interface AnswerStop {
  type: 'answer.stop';
}

/** The first wait before a hop is asked again; it doubles with each try. */
const BACKOFF_BASE_MS = 500;

/** By how much what a provider asks for is exceeded at most: it has told all conversations the same, and they must not come back together. */
const SPREAD = 0.25;

/** How long to wait before the next try: what the provider asked for or a little more, else doubled and jittered. */
export function nextBackoffMs(turn: RunningTurn, retryAfterMs: number | null, jitter: number): number {
  return Math.round(
    retryAfterMs === null
      ? BACKOFF_BASE_MS * 2 ** turn.attempt * (0.5 + jitter / 2)
      : retryAfterMs * (1 + SPREAD * jitter),
  );
}

const nothingShown = (answer: Answer) => answer.text === '' && answer.reasoning === '';

/** A person's answer, or the end of its time, is on its way to the log. */
const isBeingDecided = (call: OpenCall) =>
  askedAbout(call) !== null && (call.stage === 'answered' || call.stage === 'settled');

const every = (turn: RunningTurn | null, ...stages: OpenCall['stage'][]) =>
  turn === null || turn.calls.every((call) => stages.includes(call.stage));

export const conversationSetup = setup({
  types: {
    context: {} as ConversationContext,
    events: {} as ConversationEvent,
    emitted: {} as ConversationEmitted,
    input: {} as ConversationInput,
  },
  actors: {
    readLog: fromPromise<Standing, ReadLogInput>(providedAtBoot),
    permit: fromCallback<EventObject, ReadLogInput>(providedAtBoot),
    loadContext: fromPromise<HopContext, LoadContextInput>(providedAtBoot),
    answer: fromCallback<AnswerStop, AnswerInput>(providedAtBoot),
    toolCall: toolCallMachine,
  },
  delays: {
    backoff: ({ context }) => context.turn?.backoffMs ?? 0,
  },
  guards: {
    nothingInterrupted: ({ context }) => context.interrupted === null,
    interruptedTurnIsOver: ({ context: { interrupted, limits }, event }) =>
      event.type === 'log.committed' &&
      event.tag.of === 'recovery' &&
      interrupted !== null &&
      recoveryEnd(interrupted, limits.recovery) !== null,
    stopIsNext: ({ context }) => context.queue[0]?.kind === 'stop',
    turnIsNext: ({ context }) => context.queue[0]?.kind === 'turn',
    queueIsFull: ({ context }) => context.queue.length + context.arriving.length >= context.limits.queueLength,
    // An interrupting chat's own Stop is never turned away: nobody would hear of it, and its chat is bounded already.
    tooManyDeferred: ({ context, event }) =>
      context.deferred.length >= Math.max(1, context.limits.queueLength) &&
      !(event.type === 'client.cancel' && event.by === null),
    // The same chat again is never a new turn: its sender is attached, whatever it says of queues.
    repeatsOpenTurn: ({ context, event }) =>
      event.type === 'client.chat' &&
      (context.turn?.requestId === event.requestId ||
        context.queue.some((next) => next.kind === 'turn' && next.turn.requestId === event.requestId) ||
        context.arriving.some((other) => other.type === 'client.chat' && other.requestId === event.requestId)),
    mayNotRewind: ({ event }) => event.type === 'client.chat' && event.rewindTo !== null && event.mode !== 'interrupt',
    refusesToQueue: ({ event }) => event.type === 'client.chat' && event.mode === 'reject',
    targetsRunningTurn: ({ context, event }) =>
      event.type === 'client.cancel' &&
      context.turn !== null &&
      (event.target ?? context.turn.requestId) === context.turn.requestId,
    targetsQueuedTurn: ({ context, event }) =>
      event.type === 'client.cancel' &&
      context.queue.some((next) => next.kind === 'turn' && next.turn.requestId === event.target),
    targetsArrivingMessage: ({ context, event }) =>
      event.type === 'client.cancel' &&
      context.arriving.some((other) => other.type === 'client.chat' && other.requestId === event.target),
    tooManyAskers: ({ context }) => (context.turn?.stop?.askers.length ?? 0) > context.limits.queueLength,
    nothingArrives: ({ context }) => context.arriving.length === 0,
    someMayBeHeard: ({ context }) => context.deferred.length > 0 && context.arriving.length === 0,
    isMessage: ({ event }) =>
      (event.type === 'log.committed' || event.type === 'log.failed') && event.tag.of === 'message',
    isWithdrawal: ({ event }) => event.type === 'log.committed' && event.tag.of === 'withdrawal',
    isRecovery: ({ event }) => event.type === 'log.committed' && event.tag.of === 'recovery',
    interruptedTurnOnlyWaits: ({ context }) => context.interrupted !== null && onlyWaits(context.interrupted),
    budgetIsSpent: ({ context: { limits, turn, spent } }) =>
      budgetFault(limits.budgets, turn?.used ?? [], spent) !== null,
    hasCalls: ({ context }) => (context.turn?.calls.length ?? 0) > 0,
    isHop: ({ event }) => event.type === 'log.committed' && event.tag.of === 'hop',
    isResult: ({ event }) => event.type === 'log.committed' && event.tag.of === 'result',
    isQuestion: ({ event }) => event.type === 'log.committed' && event.tag.of === 'question',
    isRepeat: ({ event }) => event.type === 'log.committed' && event.tag.of === 'repeat',
    // Lost under way, idempotent, and not repeated yet.
    mayRepeatCall: ({ context, event }) =>
      event.type === 'call.settled' &&
      event.result.status === 'outcome_unknown' &&
      context.turn?.calls.some((call) => call.callId === event.callId && call.tool.idempotent && call.attempt === 1) ===
        true,
    isRemoval: ({ event }) => event.type === 'log.failed' && event.tag.of === 'removal',
    tooManyDeleters: ({ context }) => context.deleters.length > context.limits.queueLength,
    isResponse: ({ event }) =>
      (event.type === 'log.committed' || event.type === 'log.failed') && event.tag.of === 'response',
    isAskedAbout: ({ context, event }) =>
      event.type === 'client.respond' &&
      context.turn?.calls.some((call) => isAsking(call) && askedAbout(call)?.interruptId === event.interruptId) ===
        true,
    isNoQuestion: ({ context, event }) =>
      event.type === 'client.respond' &&
      context.turn?.calls.some((call) => askedAbout(call)?.interruptId === event.interruptId) !== true,
    timeIsUp: ({ context, event }) =>
      event.type === 'conversation.expire' &&
      context.turn?.calls.some(
        (call) => call.stage === 'asking' && (askedAbout(call)?.untilMs ?? Infinity) <= event.nowMs,
      ) === true,
    onlyPeopleAreAwaited: ({ context }) =>
      !every(context.turn, 'recorded') && every(context.turn, 'asking', 'recorded'),
    // Nothing is on its way to the log either, so that whoever opens the conversation again finds it as it is now.
    maySleep: ({ context }) => context.arriving.length === 0 && every(context.turn, 'asking', 'recorded'),
    mayStopWaiting: ({ context }) =>
      context.queue[0]?.kind === 'stop' && context.arriving.length === 0 && every(context.turn, 'asking', 'recorded'),
    isCancel: ({ event }) => event.type === 'log.committed' && event.tag.of === 'cancel',
    isEndOfTurn: ({ context, event }) =>
      event.type === 'log.committed' && event.tag.of === 'end' && event.tag.requestId === context.turn?.requestId,
    asksForTools: ({ context, event }) =>
      event.type === 'answer.finished' &&
      event.answer.calls.length > 0 &&
      (context.turn?.hops ?? 0) < context.limits.maxToolHops,
    mayRetry: ({ context, event }) => {
      const { turn, limits } = context;
      if (event.type !== 'answer.failed' || !turn || !event.fault.retryable || !nothingShown(event.answer))
        return false;
      // It was not asked at all, and will not be for a while, or after all the waiting that there may be: nobody is to wait for that.
      if (event.fault.code === 'provider_unavailable' || event.fault.code === 'provider_busy') return false;
      const waitMs = turn.waitedMs + nextBackoffMs(turn, event.retryAfterMs, event.jitter);
      return turn.attempt + 1 < limits.attempts && waitMs <= limits.retryBudgetMs;
    },
    // Once a hop: a provider that finds half of it too long still will not take a quarter.
    mayShorten: ({ context: { turn }, event }) =>
      event.type === 'answer.failed' &&
      event.fault.code === 'provider_context_length' &&
      nothingShown(event.answer) &&
      turn !== null &&
      turn.context !== null &&
      turn.shorter?.hop !== turn.hops,
    mayFallBack: ({ context, event }) =>
      event.type === 'answer.failed' &&
      nothingShown(event.answer) &&
      (context.turn?.provider ?? 0) + 1 < context.limits.providers.length,
    allCallsSettled: ({ context }) => every(context.turn, 'settled', 'recorded'),
    allCallsRecorded: ({ context }) => every(context.turn, 'recorded'),
    isQuiet: ({ context }) =>
      context.turn?.asking !== true &&
      every(context.turn, 'asking', 'ready', 'repeating', 'settled', 'recorded') &&
      context.turn?.calls.some(isBeingDecided) !== true,
  },
});
