/**
 * The actor behind `queued`: asks for a permit to run a turn, and tells the chart when it has one, or that others
 * are before it. Giving the permit back is the business of whoever carries out what the chart emits.
 */
import { fromCallback, type EventObject } from 'xstate';
import type { ReadLogInput } from '../../../machines/conversation/setup.ts';
import type { Permits } from '../../scheduling/turn-permits.ts';

/** The logic provided as `permit`: reports `permit.granted` once, before that `permit.awaited` where there is no room. */
export function createPermitLogic(permits: Pick<Permits, 'acquire'>) {
  return fromCallback<EventObject, ReadLogInput>(({ input, sendBack }) => {
    const ahead = permits.acquire(input, () => sendBack({ type: 'permit.granted' }));
    if (ahead > 0) sendBack({ type: 'permit.awaited', ahead });
  });
}
