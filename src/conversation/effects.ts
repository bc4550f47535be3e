/**
 * Runs the effects that the conversation chart emits: the journal appends rows, the delivery sends frames. The log
 * decides whether a rejected chat or response repeats an earlier one.
 */
import type { Requester, ChatEvent } from '../../machines/conversation/client-events.ts';
import type { ConversationEmitted } from '../../machines/conversation/events.ts';
import type { Fault } from '../../machines/log.ts';
import type { ConversationRef } from '../conversation-ref.ts';
import { fault } from '../errors.ts';
import type { Delivery } from '../delivery/port.ts';
import { chunkFrame, errorFrame, lateResponseFrame, resultFrame } from '../protocol/frames.ts';
import type { Store } from '../store/port.ts';
import type { TurnReport } from '../observability/turn-report.ts';
import type { Journal } from './journal.ts';
import type { Permits } from '../scheduling/turn-permits.ts';

/** The parts that run the effects. */
export interface EffectDeps {
  delivery: Pick<Delivery, 'reply' | 'broadcast' | 'follow' | 'attach' | 'remove'>;
  turnReport: Pick<TurnReport, 'accepted'>;
  permits: Pick<Permits, 'release'>;
  store: Pick<Store, 'digest' | 'interrupt'>;
  /** See the port of the MCP servers. Never rejects. */
  tasks: { cancelTask(server: string, taskId: string): Promise<void> };
}

/** The conversation whose effects run. */
export interface EffectOwner {
  /** The request has its answer, or the delivery sends it. */
  answered(asker: Requester): void;
  /** The chart has failed. Its end follows. */
  failed(why: Fault): void;
}

/** Returns the function to call once for each emitted effect, in order. It may throw, which fails this conversation alone. */
export function createEffectRunner(
  ref: ConversationRef,
  { delivery, turnReport, permits, store, tasks }: EffectDeps,
  journal: Journal,
  { answered, failed }: EffectOwner,
): (emitted: ConversationEmitted) => void {
  const { owner, conversationId } = ref;

  /** Rejects a chat, unless it repeats a known turn: that turn's frames are sent instead. */
  const refuseOrReplay = async (chat: ChatEvent, problem: Fault): Promise<void> => {
    const refuse = (why: Fault) => delivery.reply(chat.session, errorFrame(chat.requestId, why, conversationId));
    const known = await store.digest(owner, conversationId, chat.requestId).catch(() => null);
    if (known === null) return refuse(problem);
    if (known === chat.digest) return delivery.attach(chat.session, ref, chat.requestId, chat.follow);
    return refuse(
      fault(
        'request_id_reused',
        `The request_id "${chat.requestId}" belongs to another message of this conversation. Use a new one.`,
      ),
    );
  };

  /** Answers a response to an interrupt that is not open, with the decision in the log. */
  const replyLate = async (to: Requester, interruptId: string): Promise<void> => {
    const known = await store.interrupt(owner, conversationId, interruptId).catch(() => null);
    delivery.reply(to.session, lateResponseFrame({ requestId: to.requestId, conversationId }, known));
  };

  return (emitted) => {
    switch (emitted.type) {
      case 'append':
        return journal.append(emitted);
      case 'permit.returned':
        return permits.release(ref);
      case 'task.abandoned':
        return void tasks.cancelTask(emitted.server, emitted.taskId);
      case 'remove':
        return journal.remove();
      case 'deleted':
        return delivery.remove(ref);
      case 'turn.accepted': {
        const { chat, seq, disposition, position } = emitted;
        answered(chat);
        turnReport.accepted(ref, chat.requestId);
        delivery.follow(chat.session, ref, chat.requestId, chat.follow.streaming);
        const metadata = disposition === 'started' ? { disposition } : { disposition, position };
        return delivery.broadcast(ref, {
          request_id: chat.requestId,
          status: 'processing',
          conversation_id: conversationId,
          seq,
          metadata,
        });
      }
      case 'turn.attached':
        answered(emitted.chat);
        return delivery.attach(emitted.chat.session, ref, emitted.chat.requestId, emitted.chat.follow);
      case 'notice': {
        const { requestId, kind, data, details } = emitted;
        const chunk = { type: 'notice', kind, data, ...details } as const;
        return delivery.broadcast(ref, chunkFrame({ requestId, conversationId }, chunk));
      }
      case 'reply': {
        const { to, result } = emitted;
        answered(to);
        return delivery.reply(to.session, resultFrame(to.requestId, result, conversationId));
      }
      case 'respond.late':
        answered(emitted.to);
        return void replyLate(emitted.to, emitted.interruptId);
      case 'refuse':
        answered(emitted.to);
        if (emitted.chat) return void refuseOrReplay(emitted.chat, emitted.fault);
        return delivery.reply(emitted.to.session, errorFrame(emitted.to.requestId, emitted.fault, conversationId));
      case 'failed':
        return failed(emitted.fault);
    }
  };
}
