/**
 * Runs the registry's `sweep`: checks the live conversations at an interval, a few in each turn of the event loop, and
 * passivates those that have been idle for long enough.
 */
import { fromCallback, type EventObject } from 'xstate';
import type { LiveConversation } from '../conversation/live-conversation.ts';

/** Number of sweeps within one idle timeout. */
const SWEEPS_PER_TIMEOUT = 4;
/** Conversations per turn of the event loop. Ending all of them takes about 5 ms. */
const SLICE = 200;

/** Longest wait between two sweeps, so that a timeout shortened by a reload takes effect soon. */
const MAX_WAIT_MS = 5_000;

/** The conversations to check, and when one counts as idle. */
export interface SweepOptions {
  conversations(): Iterator<LiveConversation>;
  /** chat.service.idle_timeout, read each time. */
  readonly idleTimeoutMs: number;
}

/** Creates the actor that removes idle conversations from memory, a slice at a time. */
export function createSweepLogic(options: SweepOptions) {
  /** False if these were the last. */
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
