/**
 * Runs the state `activating`: reads a conversation's log and folds it into the state of its last turn. Waits first for
 * pending appends of a crashed predecessor.
 */
import { fromPromise } from 'xstate';
import type { ReadLogInput } from '../../../machines/conversation/setup.ts';
import type { RecoveredState } from '../../../machines/conversation/turn-state.ts';
import { foldLog } from '../../../machines/conversation/rows/recovery-state.ts';
import type { InFlight } from '../in-flight.ts';
import type { LogCache } from '../log-cache.ts';

/** The parts that the actor uses. */
export interface ReadLogDeps {
  logCache: Pick<LogCache, 'activate'>;
  inFlight: Pick<InFlight, 'whenIdle'>;
}

/** Rejects if the store cannot be read. The chart then ends as failed. */
export function createReadLogLogic({ logCache, inFlight }: ReadLogDeps) {
  return fromPromise<RecoveredState, ReadLogInput>(async ({ input }) => {
    await inFlight.whenIdle(input);
    const { rows, open, draft, remembered, spent } = await logCache.activate(input);
    return {
      ...foldLog(
        rows,
        open.map((turn) => turn.requestId),
        Date.now(),
        draft,
      ),
      remembered,
      spent,
    };
  });
}
