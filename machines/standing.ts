/**
 * Where a log leaves its conversation: the fold that activation runs over the rows of turns
 * without an end. Pure; the chart's `recovering` goes on from what it returns.
 */
import type { InterruptedCall, InterruptedTurn, QueuedTurn, Standing, StoppedTurn } from './turn-terms.ts';
import type { LogRow } from './log.ts';
import { addUsage } from './turn-rows.ts';

/**
 * What a dispatch row says of its tool; schema and description are the catalogue's and not needed for a
 * repeat. A row whose arguments cannot be read is not repeated: its outcome is then unknown.
 */
function dispatchOf({ content, extra }: LogRow): NonNullable<InterruptedCall['dispatch']> {
  const text = (key: string) => (typeof extra[key] === 'string' ? extra[key] : '');
  const args = readArguments(content);
  return {
    tool: { name: text('name'), server: text('server'), toolName: text('tool_name'), description: '', inputSchema: {}, harmless: args !== null && extra['harmless'] === true },
    arguments: args ?? {},
    attempt: typeof extra['attempt'] === 'number' ? extra['attempt'] : 1,
  };
}

function readArguments(text: string | null): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : null;
  } catch {
    return null;
  }
}

/**
 * Folds the rows of open turns. `open` holds their request ids, oldest first; `nowMs` is when the log was
 * read. The turn that was cut off is the one that has a row beside its message and its Stop; without such
 * a row it is the oldest that was not stopped: it had begun, or would have. Any number can be stopped and
 * lack their end: queued ones are stopped too.
 */
export function foldStanding(rows: readonly LogRow[], open: readonly string[], nowMs: number): Standing {
  const turns = open.map((requestId) => foldTurn(requestId, rows.filter((row) => row.request_id === requestId), nowMs));
  const cutOff = turns.find((turn) => turn.begun) ?? turns.find(({ turn }) => turn.stop === null);
  const others = turns.filter((turn) => turn !== cutOff).map(({ turn }) => turn);
  return {
    interrupted: cutOff ? { ...cutOff.turn, begun: cutOff.begun } : null,
    stopped: others.flatMap(({ requestId, stop }): StoppedTurn[] => (stop ? [{ requestId, reason: stop }] : [])),
    queue: others.filter(({ stop }) => !stop).map(({ requestId }): QueuedTurn => ({ requestId, hops: 0, usage: null, announced: true })),
  };
}

function foldTurn(requestId: string, rows: readonly LogRow[], nowMs: number): { turn: Omit<InterruptedTurn, 'begun'>; begun: boolean } {
  const turn: Omit<InterruptedTurn, 'begun'> = { requestId, hops: 0, usage: null, model: null, recoveries: 0, ageMs: 0, stop: null, open: [] };
  for (const row of rows) {
    switch (row.type) {
      case 'user_message':
        turn.ageMs = Math.max(0, nowMs - Date.parse(row.timestamp));
        break;
      case 'assistant_message':
        turn.hops += row.tool_calls ? 1 : 0;
        turn.usage = addUsage(turn.usage, row.usage);
        turn.model = row.model;
        for (const request of row.tool_calls ?? []) turn.open.push({ request, dispatch: null });
        break;
      case 'tool_call':
        for (const call of turn.open) if (call.request.id === row.tool_call_id) call.dispatch = dispatchOf(row);
        break;
      case 'tool_result':
        turn.open = turn.open.filter((call) => call.request.id !== row.tool_call_id);
        break;
      case 'meta':
        if (row.extra['kind'] === 'cancel') turn.stop = row.extra['reason'] === 'interrupted' ? 'interrupted' : 'cancelled';
        if (row.extra['kind'] === 'recovered') turn.recoveries += 1;
        break;
      case 'system_update':
        break;
    }
  }
  return { turn, begun: rows.some((row) => row.type !== 'user_message' && row.extra['kind'] !== 'cancel') };
}
