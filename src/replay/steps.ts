/** Replays a log from its beginning, row by row, with the fold of activation: the state after each row. Pure. */
import { isTurnEnd, type LogRow } from '../../machines/log.ts';
import { foldLog } from '../../machines/conversation/rows/recovery-state.ts';
import type { FoldedLog } from '../../machines/conversation/turn-state.ts';

/** One row, and the state after it. */
export interface ReplayStep {
  row: LogRow;
  /** As if the server had been killed right after the row and started at once. */
  folded: FoldedLog;
}

/** `rows` in seq order. Turns in `ended` count as ended without a row for it, as imported turns do. */
export function* replaySteps(rows: Iterable<LogRow>, ended: ReadonlySet<string>): Iterable<ReplayStep> {
  const over = new Set(ended);
  const open: string[] = [];
  let rowsOfOpen: LogRow[] = [];
  for (const row of rows) {
    const id = row.request_id;
    if (id !== null && isTurnEnd(row)) {
      over.add(id);
      if (open.includes(id)) open.splice(open.indexOf(id), 1);
      rowsOfOpen = rowsOfOpen.filter((other) => other.request_id !== id);
    } else if (id !== null && !over.has(id)) {
      if (!open.includes(id)) open.push(id);
      rowsOfOpen.push(row);
    }
    yield { row, folded: foldLog(rowsOfOpen, open, Date.parse(row.timestamp)) };
  }
}
