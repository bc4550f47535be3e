/**
 * Where a log leaves its conversation: the fold that activation runs over the rows of turns
 * without an end. Pure; the chart's `recovering` goes on from what it returns.
 */
import type { InterruptedTurn, QueuedTurn, Standing, StoppedTurn } from './conversation-terms.ts';
import type { LogRow } from './log.ts';
import { addUsage } from './turn-rows.ts';

/**
 * Folds the rows of open turns. `open` holds their request ids, oldest first. A turn has begun when it
 * has a row beside its message and its Stop; at most one can be in that state, since turns run one at a
 * time. Any number can be stopped and lack their end: queued ones are stopped too.
 */
export function foldStanding(rows: readonly LogRow[], open: readonly string[]): Standing {
  const turns = open.map((requestId) => foldTurn(requestId, rows.filter((row) => row.request_id === requestId)));
  const begun = turns.find((turn) => turn.begun);
  const others = turns.filter((turn) => turn !== begun).map(({ turn }) => turn);
  return {
    interrupted: begun?.turn ?? null,
    stopped: others.flatMap(({ requestId, stop }): StoppedTurn[] => (stop ? [{ requestId, reason: stop }] : [])),
    queue: others.filter(({ stop }) => !stop).map(({ requestId }): QueuedTurn => ({ requestId, hops: 0, usage: null, announced: true })),
  };
}

function foldTurn(requestId: string, rows: readonly LogRow[]): { turn: InterruptedTurn; begun: boolean } {
  const turn: InterruptedTurn = { requestId, hops: 0, usage: null, model: null, recoveries: 0, stop: null, open: [] };
  for (const row of rows) {
    switch (row.type) {
      case 'assistant_message':
        turn.hops += row.tool_calls ? 1 : 0;
        turn.usage = addUsage(turn.usage, row.usage);
        turn.model = row.model;
        for (const request of row.tool_calls ?? []) turn.open.push({ request, dispatched: false });
        break;
      case 'tool_call':
        for (const call of turn.open) if (call.request.id === row.tool_call_id) call.dispatched = true;
        break;
      case 'tool_result':
        turn.open = turn.open.filter((call) => call.request.id !== row.tool_call_id);
        break;
      case 'meta':
        if (row.extra['kind'] === 'cancel') turn.stop = row.extra['reason'] === 'interrupted' ? 'interrupted' : 'cancelled';
        if (row.extra['kind'] === 'recovered') turn.recoveries += 1;
        break;
      case 'user_message':
      case 'system_update':
        break;
    }
  }
  return { turn, begun: rows.some((row) => row.type !== 'user_message' && row.extra['kind'] !== 'cancel') };
}
