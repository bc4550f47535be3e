/**
 * Keeps the newest open questions that attackers have received. One attacker receives a question, and all of them may
 * answer it, also those of another subject. The server decides who may answer; the ledger checks that.
 */
import type { Frame } from '../../src/protocol/frames.ts';

export interface Question {
  conversationId: string;
  interruptId: string;
  /** Credential of the attacker that received it; null without tokens. */
  credential: string | null;
}

export interface Questions {
  /** Looks for a question in a frame. */
  record(frame: Frame, credential: string | null): void;
  /** One of the newest, by any number; null if there is none. */
  at(place: number): Question | null;
  /** Whether the question belongs to another subject. */
  isForeign(interruptId: string, credential: string | null): boolean;
}

/** Most of so many are still open. */
const kept = 6;

export function createQuestions(): Questions {
  let last: Question[] = [];
  return {
    record(frame, credential) {
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
