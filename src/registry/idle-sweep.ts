/**
 * The actor behind the registry's `sweep`: looks through the live conversations now and then, a few in each turn
 * of the event loop, and asks those that have rested long enough to leave memory.
 */
import { fromCallback, type EventObject } from 'xstate';
import type { LiveConversation } from '../conversation/live-conversation.ts';

/** How often all are looked through, as a share of the time that one may rest. */
const SWEEPS_PER_TIMEOUT = 4;
/** Conversations looked at in one turn of the event loop: to end them all takes some 5 ms. */
const SLICE = 200;

/** Longest wait between two looks: a timeout that a reload shortens must not wait for the end of the old one. */
const MAX_WAIT_MS = 5_000;

export interface SweepOptions {
  conversations(): Iterator<LiveConversation>;
  /** chat.service.idle_timeout, read each time. */
  readonly idleTimeoutMs: number;
}

export function createSweepLogic(options: SweepOptions) {
  /** False when these were the last. */
  const passivateSome = (left: Iterator<LiveConversation>): boolean => {
    const sinceMs = performance.now() - options.idleTimeoutMs;
    for (let looked = 0; looked < SLICE; looked += 1) {
      const { value, done } = left.next();
      if (done) return false;
      if (value.lastActiveMs < sinceMs && value.isIdle()) value.send({ type: 'conversation.passivate' });
    }
    return true;
  };

  return fromCallback<EventObject>(() => {
    let next: NodeJS.Immediate | undefined;
    const goOn = (left: Iterator<LiveConversation>) => {
      if (passivateSome(left)) next = setImmediate(goOn, left);
    };
    let timer: NodeJS.Timeout | undefined;
    const wait = () => {
      const waitMs = Math.min(MAX_WAIT_MS, Math.max(10, options.idleTimeoutMs / SWEEPS_PER_TIMEOUT));
      timer = setTimeout(() => {
        clearImmediate(next);
        goOn(options.conversations());
        wait();
      }, waitMs);
    };
    wait();
    return () => {
      clearTimeout(timer);
      clearImmediate(next);
    };
  });
}
