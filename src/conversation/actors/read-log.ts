/**
 * The actor behind `activating`: reads a conversation's log and folds it into where its last turn stands. What
 * a predecessor that crashed has still under way is waited for.
 */
import { fromPromise } from 'xstate';
import type { ReadLogInput } from '../../../machines/conversation/setup.ts';
import type { Standing } from '../../../machines/conversation/turn-state.ts';
import { foldStanding } from '../../../machines/conversation/rows/recovery-state.ts';
import type { InFlight } from '../in-flight.ts';
import type { WarmLogs } from '../warm-logs.ts';

export interface ReadLogDeps {
  warmLogs: Pick<WarmLogs, 'activate'>;
  inFlight: Pick<InFlight, 'quiet'>;
}

/** Rejects when the store cannot be read; the chart then ends as failed. */
export function createReadLogLogic({ warmLogs, inFlight }: ReadLogDeps) {
  return fromPromise<Standing, ReadLogInput>(async ({ input }) => {
    await inFlight.quiet(input);
    const { rows, open, draft, remembered, spent } = await warmLogs.activate(input);
    return {
      ...foldStanding(
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
