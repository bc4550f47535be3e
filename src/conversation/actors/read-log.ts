/**
 * The actor behind `activating`: reads a conversation's log and folds it into where its last turn stands. What
 * a predecessor that crashed has still under way is waited for.
 */
import { fromPromise } from 'xstate';
import type { ReadLogInput } from '../../../machines/conversation/setup.ts';
import type { RecoveredState } from '../../../machines/conversation/turn-state.ts';
import { foldLog } from '../../../machines/conversation/rows/recovery-state.ts';
import type { InFlight } from '../in-flight.ts';
import type { LogCache } from '../warm-logs.ts';

export interface ReadLogDeps {
  warmLogs: Pick<LogCache, 'activate'>;
  inFlight: Pick<InFlight, 'whenIdle'>;
}

/** Rejects when the store cannot be read; the chart then ends as failed. */
export function createReadLogLogic({ warmLogs, inFlight }: ReadLogDeps) {
  return fromPromise<RecoveredState, ReadLogInput>(async ({ input }) => {
    await inFlight.whenIdle(input);
    const { rows, open, draft, remembered, spent } = await warmLogs.activate(input);
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
