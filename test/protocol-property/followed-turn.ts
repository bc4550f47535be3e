/**
 * A turn as one socket follows it because it has sent the message: how often that was asked and answered, and how far
 * the turn was shown. What a subscription shows of the same turn is not its business.
 */
import type { Frame } from '../../src/protocol/frames.ts';
import type { Complain } from './complaint.ts';
import { beginning, goBackInTurn, type Holding, type Place, type SentTurn } from './holding.ts';

export interface FollowedTurn {
  readonly turn: SentTurn;
  readonly asks: number;
  readonly accepted: number;
  readonly refused: number;
  readonly ended: number;
  readonly isFollowing: boolean;
  /** True once it was brought up to date on this socket: what comes of it may be of that, whatever else is being caught up on. */
  readonly isAttached: boolean;
  /** False once its frames cannot be told apart any more: of two requests under one id, or of the turn and a subscription. */
  readonly isPlain: boolean;
  ask(place: Place): void;
  /** The same socket subscribes too. */
  mix(): void;
  accept(disposition: string, seq: number): void;
  refuse(): void;
  end(frame: Frame): void;
  showText(messageId: string): void;
  showRow(seq: number): void;
  /** The message was taken back. */
  forget(messageId: string): void;
}

export function followTurn(holding: Holding, turn: SentTurn, complain: Complain): FollowedTurn {
  let place = beginning;
  const followed = {
    turn,
    asks: 0,
    accepted: 0,
    refused: 0,
    ended: 0,
    isFollowing: false,
    isAttached: false,
    isPlain: true,

    ask(from: Place) {
      if (followed.accepted + followed.refused < followed.asks) followed.isPlain = false;
      followed.asks += 1;
      place = from;
    },
    mix() {
      followed.isPlain = false;
    },
    accept(disposition: string, seq: number) {
      followed.accepted += 1;
      // A subscription hears of it too when another client's chat of the same name is let in.
      followed.isFollowing = followed.refused < followed.asks;
      followed.isAttached ||= disposition === 'attached';
      if (!followed.isPlain) return;
      goBackInTurn(holding, turn, disposition === 'attached' ? place : beginning);
      turn.afterSeq = Math.max(turn.afterSeq, seq);
    },
    refuse() {
      followed.refused += 1;
      if (followed.refused >= followed.asks) followed.isFollowing = false;
    },
    end(frame: Frame) {
      followed.ended += 1;
      followed.isFollowing = false;
      turn.end = frame;
      turn.heldAtEnd = followed.isPlain
        ? new Map([...holding.texts].filter(([, { of }]) => of === turn.requestId))
        : null;
    },
    showText(messageId: string) {
      if (!followed.isPlain) return;
      turn.messages.add(messageId);
      turn.writing = messageId;
    },
    showRow(seq: number) {
      if (!followed.isPlain) return;
      if (seq <= turn.afterSeq)
        complain('repeat', `row ${turn.afterSeq} of ${turn.requestId} was shown, and there came row ${seq}`);
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
