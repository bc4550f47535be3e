/**
 * The open questions that attackers have heard of: one of them hears it, and all of them may answer, those too whom
 * nobody asked. Keeps the last ones only. Who may answer is for the server to know, and for the ledger to judge.
 */
import type { Frame } from '../../src/protocol/frames.ts';

export interface Question {
  conversationId: string;
  interruptId: string;
  /** What whoever heard it came in with; null where nobody is asked for anything. */
  credential: string | null;
}

export interface Questions {
  /** Looks for one in a frame. */
  heard(frame: Frame, credential: string | null): void;
  /** One of the last ones, by any number; null if there was none yet. */
  at(place: number): Question | null;
  /** Whether this one was put to another subject. */
  isForeign(interruptId: string, credential: string | null): boolean;
}

/** Most of these are still open. */
const kept = 6;

export function createQuestions(): Questions {
  let last: Question[] = [];
  return {
    heard(frame, credential) {
      if (frame.status !== 'chunk' || frame.chunk.type !== 'approval_request') return;
      const interruptId = frame.chunk.interrupt_id;
      if (last.some((question) => question.interruptId === interruptId)) return;
      last = [...last.slice(1 - kept), { conversationId: frame.conversation_id, interruptId, credential }];
    },
    at: (place) => last[place % Math.max(1, last.length)] ?? null,
    isForeign: (interruptId, credential) =>
      last.some((question) => question.interruptId === interruptId && question.credential !== credential),
  };
}
