/**
 * Builds the values that several actions of the conversation share: requesters, a new running turn, appends. Pure.
 */
import type { Requester, ChatEvent } from './client-events.ts';
import type { TurnEnd } from './events.ts';
import type { ConversationContext, ConversationLimits } from './context.ts';
import type { OpenCall, QueuedTurn, RunningTurn } from './turn-state.ts';
import type { NewRow } from '../log.ts';
import { waitsUntilMs } from './rows/approval-rows.ts';

/** The request that the answer to a chat goes to. */
export function requesterOf(chat: ChatEvent): Requester {
  return { session: chat.session, requestId: chat.requestId };
}

/** A turn at its start, or as it goes on after a restart. */
export function newRunningTurn({
  requestId,
  hops,
  used,
  emptyAnswers = 0,
  model = null,
}: Pick<QueuedTurn, 'requestId' | 'hops' | 'used'> & {
  emptyAnswers?: number;
  model?: string | null;
}): RunningTurn {
  return {
    requestId,
    hops,
    used,
    model,
    provider: 0,
    attempt: 0,
    emptyAnswers,
    waitedMs: 0,
    backoffMs: 0,
    context: null,
    shorter: null,
    asking: false,
    answer: null,
    calls: [],
    fault: null,
    stop: null,
  };
}

/** Changes the running turn. Does nothing without one. */
export function updateTurn(
  context: ConversationContext,
  change: (turn: RunningTurn) => Partial<RunningTurn>,
): Partial<ConversationContext> {
  return context.turn ? { turn: { ...context.turn, ...change(context.turn) } } : {};
}

/** The append that ends a turn. */
export function endAppend(requestId: string, rows: NewRow[], end: TurnEnd) {
  return { type: 'append', tag: { of: 'end', requestId }, rows, end: { requestId, payload: end } } as const;
}

/** The `waiting` part of an append. Empty in a hop without interrupts. `afterwards`: the call as the append leaves it. */
export function waitingUpdate(
  requestId: string,
  calls: readonly OpenCall[],
  afterwards: (call: OpenCall) => OpenCall = (call) => call,
) {
  return calls.some(({ approval, question }) => approval !== null || question?.resume)
    ? { waiting: { requestId, untilMs: waitsUntilMs(calls.map(afterwards)) } }
    : {};
}

/** Announces the start of a turn whose sender received `queued`. */
export function startedNotice(requestId: string) {
  return { type: 'notice', requestId, kind: 'started', data: 'The turn has started.', details: {} } as const;
}

/** The name of the provider at this index. The last one if a reload has shortened the list since. */
export function providerAt({ providers }: Pick<ConversationLimits, 'providers'>, place: number): string {
  return providers[place] ?? providers.at(-1) ?? '';
}
