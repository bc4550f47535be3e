/** Logs one line for each turn, and reports its times to the metrics. Forgets a turn at its end. */
import type { Logger } from 'pino';
import type { TurnEnd } from '../../machines/conversation/events.ts';
import type { Fault, TurnTotals } from '../../machines/log.ts';
import { withoutQuote, QUOTE_KEY } from '../errors.ts';
import type { Metrics } from './metrics.ts';
import { conversationKey, type ConversationRef } from '../conversation-ref.ts';

/** The running turns of all conversations. */
export interface TurnReport {
  /** The turn's message is committed. */
  accepted(ref: ConversationRef, requestId: string): void;
  /** A part of its answer has arrived. Only the first call for a turn counts. */
  answering(ref: ConversationRef, requestId: string): void;
  ended(ref: ConversationRef, requestId: string, end: TurnEnd): void;
  /** The conversation's actor has stopped. The next actor reports its turns. */
  forget(ref: ConversationRef): void;
  /** Queued and running turns. */
  open(): number;
}

/** Where turns are reported. */
export interface TurnReportDeps {
  log: Pick<Logger, 'info' | 'warn'>;
  metrics: Pick<Metrics, 'turnEnded' | 'firstChunk'>;
}

interface Times {
  acceptedMs: number;
  firstChunkMs: number | null;
}

/**
 * Logs completed turns as `info`, failed ones as `warn`, with times in ms. The times are null for a turn that this process
 * did not accept, because a restart or a crash interrupted it.
 */
export function createTurnReport({ log, metrics }: TurnReportDeps): TurnReport {
  /** By conversation, then by request id. */
  const turns = new Map<string, Map<string, Times>>();
  let open = 0;

  return {
    accepted(ref, requestId) {
      const key = conversationKey(ref);
      let times = turns.get(key);
      if (!times) turns.set(key, (times = new Map()));
      times.set(requestId, { acceptedMs: performance.now(), firstChunkMs: null });
      open += 1;
    },
    answering(ref, requestId) {
      const times = turns.get(conversationKey(ref))?.get(requestId);
      if (!times || times.firstChunkMs !== null) return;
      times.firstChunkMs = performance.now() - times.acceptedMs;
      metrics.firstChunk(times.firstChunkMs / 1000);
    },
    ended(ref, requestId, end) {
      const key = conversationKey(ref);
      const ofConversation = turns.get(key);
      const times = ofConversation?.get(requestId);
      if (ofConversation?.delete(requestId)) open -= 1;
      if (ofConversation?.size === 0) turns.delete(key);
      const totalMs = times ? performance.now() - times.acceptedMs : null;
      const outcome = end.status === 'complete' ? end.metadata.finish_reason : end.error.code;
      metrics.turnEnded(outcome, totalMs === null ? null : totalMs / 1000);
      const report = {
        subject: ref.owner,
        conversation: ref.conversationId,
        request: requestId,
        end: outcome,
        hops: end.metadata.tool_hops,
        tokens: end.metadata.tokens,
        ...costOf(end.metadata),
        model: end.metadata.model,
        ...(end.status === 'error' ? reasonOf(end.error) : {}),
        total_ms: totalMs === null ? null : Math.round(totalMs),
        first_chunk_ms: times?.firstChunkMs === null || !times ? null : Math.round(times.firstChunkMs),
      };
      if (end.status === 'complete') log.info(report, 'turn');
      else log.warn(report, 'turn');
    },
    forget(ref) {
      const key = conversationKey(ref);
      open -= turns.get(key)?.size ?? 0;
      turns.delete(key);
    },
    open: () => open,
  };
}

/** Empty if no price is known. */
function costOf({ usage }: TurnTotals): { cost?: number } {
  return usage.cost === undefined ? {} : { cost: usage.cost };
}

/** Facts for the operator. The provider's message is a separate field, because it may quote content, which the log redacts. */
function reasonOf(fault: Fault): Record<string, unknown> {
  const { data } = fault;
  const facts = ['provider', 'model', 'status', 'variable', 'budget', QUOTE_KEY]
    .filter((name) => name in data)
    .map((name) => [name, data[name]]);
  return { reason: withoutQuote(fault), ...Object.fromEntries(facts) };
}
