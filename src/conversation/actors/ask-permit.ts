/**
 * Runs the state `queued`: acquires a permit for a turn and reports it to the chart, or reports the length of the
 * queue. The effect `permit.returned` gives the permit back.
 */
import { fromCallback, type EventObject } from 'xstate';
import type { ReadLogInput } from '../../../machines/conversation/setup.ts';
import type { Permits } from '../../scheduling/turn-permits.ts';

/** The logic provided as `permit`: reports `permit.granted` once, and before it `permit.awaited` if no permit is free. */
export function createPermitLogic(permits: Pick<Permits, 'acquire'>) {
  return fromCallback<EventObject, ReadLogInput>(({ input, sendBack }) => {
    const ahead = permits.acquire(input, () => sendBack({ type: 'permit.granted' }));
    if (ahead > 0) sendBack({ type: 'permit.awaited', ahead });
  });
}
