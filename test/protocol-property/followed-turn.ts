/**
 * Follows a turn on the socket that sent its message: counts requests and answers, and keeps how far the turn was
 * received. Frames of a subscription to the same conversation are counted elsewhere.
 */
import type { Incoming } from '../../src/client/frames.ts';
import type { ReportViolation } from './violation.ts';
import { beginning, resetTurnTo, type ExpectedState, type Place, type SentTurn } from './expected-state.ts';

export interface FollowedTurn {
  readonly turn: SentTurn;
  readonly asks: number;
  readonly accepted: number;
  readonly refused: number;
  readonly ended: number;
  readonly isFollowing: boolean;
  /** True once the turn was caught up on this socket. Its frames may then belong to that catch-up. */
  readonly isAttached: boolean;
  /**
   * False once its frames are ambiguous: they may belong to either of two requests with one id, or to a subscription.
   */
  readonly isUnambiguous: boolean;
  ask(place: Place): void;
  /** Called when the same socket subscribes too. */
  markAmbiguous(): void;
  accept(disposition: string, seq: number): void;
  refuse(): void;
  end(frame: Incoming): void;
  showText(messageId: string): void;
  showRow(seq: number): void;
  /** Called when the message was reset. */
  forget(messageId: string): void;
}

export function followTurn(expected: ExpectedState, turn: SentTurn, report: ReportViolation): FollowedTurn {
  let place = beginning;
  const followed = {
    turn,
    asks: 0,
    accepted: 0,
    refused: 0,
    ended: 0,
    isFollowing: false,
    isAttached: false,
    isUnambiguous: true,

    ask(from: Place) {
      if (followed.accepted + followed.refused < followed.asks) followed.isUnambiguous = false;
      followed.asks += 1;
      place = from;
    },
    markAmbiguous() {
      followed.isUnambiguous = false;
    },
    accept(disposition: string, seq: number) {
      followed.accepted += 1;
      // A subscription also receives `processing` when another client's chat with the same id is accepted.
      followed.isFollowing = followed.refused < followed.asks;
      followed.isAttached ||= disposition === 'attached';
      if (!followed.isUnambiguous) return;
      resetTurnTo(expected, turn, disposition === 'attached' ? place : beginning);
      turn.afterSeq = Math.max(turn.afterSeq, seq);
    },
    refuse() {
      followed.refused += 1;
      if (followed.refused >= followed.asks) followed.isFollowing = false;
    },
    end(frame: Incoming) {
      followed.ended += 1;
      followed.isFollowing = false;
      turn.end = frame;
      turn.heldAtEnd = followed.isUnambiguous
        ? new Map([...expected.texts].filter(([, { of }]) => of === turn.requestId))
        : null;
    },
    showText(messageId: string) {
      if (!followed.isUnambiguous) return;
      turn.messages.add(messageId);
      turn.writing = messageId;
    },
    showRow(seq: number) {
      if (!followed.isUnambiguous) return;
      if (seq <= turn.afterSeq)
        report('repeat', `row ${turn.afterSeq} of ${turn.requestId} was received, then row ${seq}`);
      turn.afterSeq = Math.max(turn.afterSeq, seq);
      turn.shown.add(seq);
      turn.writing = null;
    },
    forget(messageId: string) {
      turn.messages.delete(messageId);
      if (turn.writing === messageId) turn.writing = null;
    },
  };
  return followed;
}
