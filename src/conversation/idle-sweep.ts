/**
 * The actor behind the registry's `sweep`: looks through the live conversations now and then, a few in each turn
 * of the event loop, and asks those that have rested long enough to leave memory.
 */
import { fromCallback, type EventObject } from 'xstate';
import type { LiveConversation } from './live-conversation.ts';

/** How often all are looked through, as a share of the time that one may rest. */
const SWEEPS_PER_TIMEOUT = 4;
/** Conversations looked at in one turn of the event loop: to end them all takes some 5 ms. */
const SLICE = 200;

/** `idleTimeoutMs`: chat.service.idle_timeout */
export function createSweepLogic({ conversations, idleTimeoutMs }: { conversations(): Iterator<LiveConversation>; idleTimeoutMs: number }) {
  /** False when these were the last. */
  const passivateSome = (left: Iterator<LiveConversation>): boolean => {
    const sinceMs = performance.now() - idleTimeoutMs;
    for (let looked = 0; looked < SLICE; looked += 1) {
      const { value, done } = left.next();
      if (done) return false;
      if (value.lastActiveMs < sinceMs && value.isResting()) value.send({ type: 'conversation.passivate' });
    }
    return true;
  };

  return fromCallback<EventObject>(() => {
    let next: NodeJS.Immediate | undefined;
    const goOn = (left: Iterator<LiveConversation>) => {
      if (passivateSome(left)) next = setImmediate(goOn, left);
    };
    const timer = setInterval(() => {
      clearImmediate(next);
      goOn(conversations());
    }, Math.max(10, idleTimeoutMs / SWEEPS_PER_TIMEOUT));
    return () => {
      clearInterval(timer);
      clearImmediate(next);
    };
  });
}
