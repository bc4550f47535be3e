/**
 * Sets up the conversation chart: its types, its actors (provided once, at boot), its delays and its guards.
 * The name of a guard reads as a fact.
 */
import { fromCallback, fromPromise, setup, type EventObject } from 'xstate';
import type { ConversationEmitted, ConversationEvent } from './events.ts';
import type { ModelAnswer } from './hop-answers.ts';
import type { ConversationContext, ConversationInput } from './context.ts';
import type { HopContext, HopTool, OpenCall, RunningTurn, RecoveredState } from './turn-state.ts';
import type { ContextSizes } from '../context-window/context-sizes.ts';
import type { ModelMessage } from '../context-window/model-messages.ts';
import { providedAtBoot } from '../provided-at-boot.ts';
import { openInterrupt, awaitsPerson } from './rows/approval-rows.ts';
import { toolCallMachine } from '../tool-call.ts';
import { isEmpty, mayAskAgain } from './decisions/empty-answer.ts';
import { onlyWaits, recoveryEnd } from './decisions/recovery.ts';
import { budgetFault } from '../usage.ts';

/** The conversation whose log is read. */
export interface ReadLogInput {
  conversationId: string;
  owner: string;
}

/** The turn whose next request is built. */
export interface LoadContextInput extends ReadLogInput {
  requestId: string;
  /** The provider that will be asked. */
  provider: string;
  /** The tokens that the request may have. Null: as many as the window has. */
  budgetTokens: number | null;
  /** True for the first load of a turn, before any request to a model. */
  isFirst: boolean;
}

/** One request to the model. */
export interface AnswerInput extends ReadLogInput {
  requestId: string;
  provider: string;
  /** See `HopContext`. */
  model: string | null;
  messages: readonly ModelMessage[];
  /** Estimated tokens of `messages`. */
  contextTokens: number;
  sizes: ContextSizes;
  tools: ReadonlyMap<string, HopTool>;
}

/** Aborts the model's stream. The actor then reports the text so far as `answer.finished`. */
export interface AnswerStop {
  type: 'answer.stop';
}

/** The wait before the second try of a hop. It doubles with each further try. */
const BACKOFF_BASE_MS = 500;

/** Largest share added to the wait that a provider asks for. It sends all conversations the same wait, and they must not retry together. */
const RETRY_JITTER = 0.25;

/** The wait before the next try, in ms: the provider's `Retry-After` plus jitter, else exponential backoff with jitter. */
export function nextBackoffMs(turn: RunningTurn, retryAfterMs: number | null, jitter: number): number {
  return Math.round(
    retryAfterMs === null
      ? BACKOFF_BASE_MS * 2 ** turn.attempt * (0.5 + jitter / 2)
      : retryAfterMs * (1 + RETRY_JITTER * jitter),
  );
}

const nothingShown = (answer: ModelAnswer) => answer.text === '' && answer.reasoning === '';

/** True while the response to an interrupt, or its expiry, is being committed. */
const isBeingDecided = (call: OpenCall) =>
  openInterrupt(call) !== null && (call.stage === 'answered' || call.stage === 'settled');

const every = (turn: RunningTurn | null, ...stages: OpenCall['stage'][]) =>
  turn === null || turn.calls.every((call) => stages.includes(call.stage));

/** The setup without actions. turn-actions.ts adds them. */
export const conversationSetup = setup({
  types: {
    context: {} as ConversationContext,
    events: {} as ConversationEvent,
    emitted: {} as ConversationEmitted,
    input: {} as ConversationInput,
  },
  actors: {
    readLog: fromPromise<RecoveredState, ReadLogInput>(providedAtBoot),
    permit: fromCallback<EventObject, ReadLogInput>(providedAtBoot),
    loadContext: fromPromise<HopContext, LoadContextInput>(providedAtBoot),
    answer: fromCallback<AnswerStop, AnswerInput>(providedAtBoot),
    toolCall: toolCallMachine,
  },
  delays: {
    backoff: ({ context }) => context.turn?.backoffMs ?? 0,
    longestAnswer: ({ context }) => context.limits.maxAnswerMs,
    longestTurn: ({ context }) => context.limits.maxTurnMs,
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
    // The cancel of an interrupting chat is never rejected: it has no requester to notify, and its chat is bounded already.
    tooManyDeferred: ({ context, event }) =>
      context.deferred.length >= Math.max(1, context.limits.queueLength) &&
      !(event.type === 'client.cancel' && event.by === null),
    // The same chat sent again is never a new turn. Its sender is attached, for every `mode`.
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
    tooManyCancels: ({ context }) => (context.turn?.stop?.requesters.length ?? 0) > context.limits.queueLength,
    nothingArrives: ({ context }) => context.arriving.length === 0,
    mayRaiseDeferred: ({ context }) => context.deferred.length > 0 && context.arriving.length === 0,
    isMessage: ({ event }) =>
      (event.type === 'log.committed' || event.type === 'log.failed') && event.tag.of === 'message',
    isWithdrawal: ({ event }) => event.type === 'log.committed' && event.tag.of === 'withdrawal',
    isRecovery: ({ event }) => event.type === 'log.committed' && event.tag.of === 'recovery',
    interruptedTurnOnlyWaits: ({ context }) => context.interrupted !== null && onlyWaits(context.interrupted),
    isOverdue: ({ context }) => context.turn?.fault?.code === 'turn_timeout',
    budgetIsSpent: ({ context: { limits, turn, spent } }) =>
      budgetFault(limits.budgets, turn?.used ?? [], spent) !== null,
    hasCalls: ({ context }) => (context.turn?.calls.length ?? 0) > 0,
    isHop: ({ event }) => event.type === 'log.committed' && event.tag.of === 'hop',
    isEmptyAnswer: ({ event }) => event.type === 'log.committed' && event.tag.of === 'emptyAnswer',
    isResult: ({ event }) => event.type === 'log.committed' && event.tag.of === 'result',
    isQuestion: ({ event }) => event.type === 'log.committed' && event.tag.of === 'question',
    isTask: ({ event }) => event.type === 'log.committed' && event.tag.of === 'task',
    isRepeat: ({ event }) => event.type === 'log.committed' && event.tag.of === 'repeat',
    // The outcome is unknown, the tool is idempotent, and the call was not repeated yet.
    mayRepeatCall: ({ context, event }) =>
      event.type === 'call.settled' &&
      event.result.status === 'outcome_unknown' &&
      context.turn?.calls.some((call) => call.callId === event.callId && call.tool.idempotent && call.attempt === 1) ===
        true,
    isRemoval: ({ event }) => event.type === 'log.failed' && event.tag.of === 'removal',
    tooManyDeleters: ({ context }) => context.deleters.length > context.limits.queueLength,
    isResponse: ({ event }) =>
      (event.type === 'log.committed' || event.type === 'log.failed') && event.tag.of === 'response',
    answersOpenInterrupt: ({ context, event }) =>
      event.type === 'client.respond' &&
      context.turn?.calls.some(
        (call) => awaitsPerson(call) && openInterrupt(call)?.interruptId === event.interruptId,
      ) === true,
    answersNoInterrupt: ({ context, event }) =>
      event.type === 'client.respond' &&
      context.turn?.calls.some((call) => openInterrupt(call)?.interruptId === event.interruptId) !== true,
    timeIsUp: ({ context, event }) =>
      event.type === 'conversation.expire' &&
      context.turn?.calls.some(
        (call) => call.stage === 'asking' && (openInterrupt(call)?.untilMs ?? Infinity) <= event.nowMs,
      ) === true,
    peopleAreAwaited: ({ context }) => context.turn?.calls.some(awaitsPerson) === true,
    onlyPeopleAreAwaited: ({ context }) =>
      !every(context.turn, 'recorded') && every(context.turn, 'asking', 'recorded'),
    // No commit is pending either, so that a new actor finds the same state in the log.
    mayPassivate: ({ context }) => context.arriving.length === 0 && every(context.turn, 'asking', 'recorded'),
    mayStopInstead: ({ context }) =>
      context.queue[0]?.kind === 'stop' && context.arriving.length === 0 && every(context.turn, 'asking', 'recorded'),
    isCancel: ({ event }) => event.type === 'log.committed' && event.tag.of === 'cancel',
    isEndOfTurn: ({ context, event }) =>
      event.type === 'log.committed' && event.tag.of === 'end' && event.tag.requestId === context.turn?.requestId,
    asksForTools: ({ context, event }) =>
      event.type === 'answer.finished' &&
      event.answer.calls.length > 0 &&
      (context.turn?.hops ?? 0) < context.limits.maxToolHops,
    mayAskOnceMore: ({ context, event }) =>
      event.type === 'answer.finished' && isEmpty(event.answer) && mayAskAgain(context.turn?.emptyAnswers ?? 0),
    answersNothing: ({ event }) => event.type === 'answer.finished' && isEmpty(event.answer),
    mayRetry: ({ context, event }) => {
      const { turn, limits } = context;
      if (event.type !== 'answer.failed' || !turn || !event.fault.retryable || !nothingShown(event.answer))
        return false;
      // No request was sent: the circuit is open, or the queue timeout has passed. A retry would only prolong the wait.
      if (event.fault.code === 'provider_unavailable' || event.fault.code === 'provider_busy') return false;
      const waitMs = turn.waitedMs + nextBackoffMs(turn, event.retryAfterMs, event.jitter);
      return turn.attempt + 1 < limits.attempts && waitMs <= limits.retryBudgetMs;
    },
    // Once per hop: a provider that rejects half of the context rejects a quarter too.
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
