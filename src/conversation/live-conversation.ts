/**
 * A conversation actor at work: starts it, and carries what it emits to the journal and the outbox.
 * A crash or an end is told once, to `onEnd`; nothing thrown here reaches another conversation.
 */
import { createActor } from 'xstate';
import type { ClientEvent, ConversationEmitted, ConversationInput } from '../../machines/conversation-terms.ts';
import type { conversationMachine } from '../../machines/conversation.ts';
import type { Outbox } from '../outbox/outbox.ts';
import { errorFrame } from '../protocol.ts';
import type { TurnReport } from '../turn-report.ts';
import { createJournal, type JournalDeps } from './journal.ts';

export interface LiveConversation {
  send(event: ClientEvent | { type: 'conversation.passivate' | 'conversation.drain' | 'conversation.halt' }): void;
  isIdle(): boolean;
  /** When it was last spoken to or spoke, in ms of `performance.now()`. */
  readonly lastActiveMs: number;
}

export interface LiveConversationDeps extends JournalDeps {
  machine: typeof conversationMachine;
  outbox: Pick<Outbox, 'publish' | 'reply' | 'tell' | 'follow' | 'attach'>;
  turnReport: Pick<TurnReport, 'accepted' | 'ended' | 'forget'>;
}

/** `onEnd` gets null when the actor ended by itself, else why it failed. */
export function startConversation(input: ConversationInput, deps: LiveConversationDeps, onEnd: (error: unknown) => void): LiveConversation {
  const { outbox, turnReport } = deps;
  const ref = { owner: input.owner, conversationId: input.conversationId };
  const { conversationId } = ref;
  const actor = createActor(deps.machine, { id: conversationId, input });
  const journal = createJournal(ref, deps, (event) => actor.send(event));
  let lastActiveMs = performance.now();
  let failure: unknown = null;

  const carry = (emitted: ConversationEmitted) => {
    lastActiveMs = performance.now();
    switch (emitted.type) {
      case 'append':
        return journal.append(emitted);
      case 'turn.accepted': {
        const { chat, seq, disposition, position } = emitted;
        turnReport.accepted(ref, chat.requestId);
        outbox.follow(chat.session, ref, chat.requestId, chat.follow.streaming);
        const metadata = disposition === 'started' ? { disposition } : { disposition, position };
        return outbox.tell(ref, { request_id: chat.requestId, status: 'processing', conversation_id: conversationId, seq, metadata });
      }
      case 'turn.attached':
        return outbox.attach(emitted.chat.session, ref, emitted.chat.requestId, emitted.chat.follow);
      case 'notice': {
        const { requestId, kind, data, details } = emitted;
        const chunk = { type: 'notice', kind, data, ...details } as const;
        return outbox.tell(ref, { request_id: requestId, status: 'chunk', conversation_id: conversationId, chunk });
      }
      case 'reply': {
        const { to, result } = emitted;
        return outbox.reply(to.session, { request_id: to.requestId, status: 'result', conversation_id: conversationId, result });
      }
      case 'refuse':
        return outbox.reply(emitted.to.session, errorFrame(emitted.to.requestId, emitted.fault, conversationId));
      case 'failed':
        failure = emitted.fault;
        return undefined;
    }
  };

  const end = (error: unknown) => {
    turnReport.forget(ref);
    onEnd(error);
  };
  actor.subscribe({ error: end, complete: () => end(failure) });
  actor.on('*', (emitted) => {
    // A listener that throws would take the process down; a fault here is this conversation's alone.
    try {
      carry(emitted);
    } catch (error) {
      failure = error;
      queueMicrotask(() => actor.send({ type: 'conversation.halt' }));
    }
  });
  actor.start();

  return {
    send(event) {
      lastActiveMs = performance.now();
      actor.send(event);
    },
    isIdle: () => actor.getSnapshot().value === 'idle',
    get lastActiveMs() {
      return lastActiveMs;
    },
  };
}
