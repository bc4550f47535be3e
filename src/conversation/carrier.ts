/**
 * What the chart of a conversation emits, carried out: rows by the journal, words to clients by the outbox. Decides
 * nothing; whether a chat or an answer that is turned away comes late, only the log knows, and it is asked.
 */
import type { Asker, ChatEvent } from '../../machines/conversation/client-events.ts';
import type { ConversationEmitted } from '../../machines/conversation/events.ts';
import type { Fault } from '../../machines/log.ts';
import type { ConversationRef } from '../conversation-ref.ts';
import { fault } from '../errors.ts';
import type { Outbox } from '../outbox/port.ts';
import { errorFrame, lateResponseFrame, resultFrame } from '../protocol/frames.ts';
import type { Store } from '../store/port.ts';
import type { TurnReport } from '../observability/turn-report.ts';
import type { Journal } from './journal.ts';
import type { Permits } from '../scheduling/turn-permits.ts';

export interface CarrierDeps {
  outbox: Pick<Outbox, 'reply' | 'tell' | 'follow' | 'attach' | 'remove'>;
  turnReport: Pick<TurnReport, 'accepted'>;
  permits: Pick<Permits, 'release'>;
  store: Pick<Store, 'turn' | 'interrupt'>;
}

export interface CarrierOwner {
  /** Its request has an answer, or will get one from the outbox. */
  answered(asker: Asker): void;
  /** The chart has given up; its end follows. */
  failed(why: Fault): void;
}

/** Called once for each emitted fact, in their order. May throw: a fault of this conversation alone. */
export function createCarrier(
  ref: ConversationRef,
  { outbox, turnReport, permits, store }: CarrierDeps,
  journal: Journal,
  { answered, failed }: CarrierOwner,
): (emitted: ConversationEmitted) => void {
  const { owner, conversationId } = ref;

  /** There is no room for a new turn, but the same chat again is none: one that has ended is answered with its end. */
  const refuseOrReplay = async (chat: ChatEvent, problem: Fault): Promise<void> => {
    const refuse = (why: Fault) => outbox.reply(chat.session, errorFrame(chat.requestId, why, conversationId));
    const known = await store.turn(owner, conversationId, chat.requestId).catch(() => null);
    if (!known) return refuse(problem);
    if (known.digest === chat.digest) return outbox.attach(chat.session, ref, chat.requestId, chat.follow);
    return refuse(
      fault(
        'request_id_reused',
        `The request_id "${chat.requestId}" belongs to another message of this conversation. Use a new one.`,
      ),
    );
  };

  /** Somebody else was first, or time or the turn's end: the log has the decision. */
  const replyLate = async (to: Asker, interruptId: string): Promise<void> => {
    const known = await store.interrupt(owner, conversationId, interruptId).catch(() => null);
    outbox.reply(to.session, lateResponseFrame({ requestId: to.requestId, conversationId }, known));
  };

  return (emitted) => {
    switch (emitted.type) {
      case 'append':
        return journal.append(emitted);
      case 'permit.returned':
        return permits.release(ref);
      case 'remove':
        return journal.remove();
      case 'deleted':
        return outbox.remove(ref);
      case 'turn.accepted': {
        const { chat, seq, disposition, position } = emitted;
        answered(chat);
        turnReport.accepted(ref, chat.requestId);
        outbox.follow(chat.session, ref, chat.requestId, chat.follow.streaming);
        const metadata = disposition === 'started' ? { disposition } : { disposition, position };
        return outbox.tell(ref, {
          request_id: chat.requestId,
          status: 'processing',
          conversation_id: conversationId,
          seq,
          metadata,
        });
      }
      case 'turn.attached':
        answered(emitted.chat);
        return outbox.attach(emitted.chat.session, ref, emitted.chat.requestId, emitted.chat.follow);
      case 'notice': {
        const { requestId, kind, data, details } = emitted;
        const chunk = { type: 'notice', kind, data, ...details } as const;
        return outbox.tell(ref, { request_id: requestId, status: 'chunk', conversation_id: conversationId, chunk });
      }
      case 'reply': {
        const { to, result } = emitted;
        answered(to);
        return outbox.reply(to.session, resultFrame(to.requestId, result, conversationId));
      }
      case 'respond.late':
        answered(emitted.to);
        return void replyLate(emitted.to, emitted.interruptId);
      case 'refuse':
        answered(emitted.to);
        if (emitted.chat) return void refuseOrReplay(emitted.chat, emitted.fault);
        return outbox.reply(emitted.to.session, errorFrame(emitted.to.requestId, emitted.fault, conversationId));
      case 'failed':
        return failed(emitted.fault);
    }
  };
}
