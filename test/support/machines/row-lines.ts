/** Formats rows of the log as short lines, so that a test states the rows of a turn in a few strings. */
import type { LogRow, NewRow } from '../../../machines/log.ts';

export function rowLines(rows: readonly LogRow[]): string[] {
  const names = new Map(rows.flatMap((row) => row.tool_calls ?? []).map((call) => [call.id, call.function.name]));
  return rows.map((row) => lineOf(row, names.get(row.tool_call_id ?? '') ?? ''));
}

/** The type of each row; of `meta` rows their kind. */
export const rowKinds = (rows: readonly NewRow[]) =>
  rows.map((row) => (row.type === 'meta' ? row.extra['kind'] : row.type));

function lineOf(row: LogRow, tool: string): string {
  const { type, content, extra } = row;
  if (type === 'user_message') return `user: ${content}`;
  if (type === 'tool_call') return `dispatch ${tool}`;
  if (type === 'tool_result') return `result ${tool} ${extra['status']}`;
  if (type === 'assistant_message') {
    const asks = row.tool_calls ? [`asks ${row.tool_calls.map((call) => call.function.name).join(', ')}`] : [];
    return [extra['partial'] ? 'assistant (partial):' : 'assistant:', ...(content ? [content] : []), ...asks].join(' ');
  }
  if (extra['kind'] === 'turn_end')
    return extra['status'] === 'complete'
      ? `end ${field(extra['metadata'], 'finish_reason')}`
      : `end with ${field(extra['error'], 'code')}`;
  if (extra['kind'] === 'approval_request') return `asks for approval of ${tool}`;
  if (extra['kind'] === 'elicitation_request' || extra['kind'] === 'sampling_request')
    return `the server of ${tool} asks`;
  if (extra['kind'] === 'task') return `${tool} is a task`;
  if (extra['kind'] === 'response') return `response ${extra['decision']}`;
  if (extra['kind'] === 'remember') return `from now on ${extra['decision']} ${extra['server']}.${extra['tool_name']}`;
  return [extra['kind'], extra['reason'], extra['attempt']].filter((part) => part !== undefined).join(' ');
}

function field(value: unknown, name: string): string {
  return String(
    value !== null && typeof value === 'object' ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined,
  );
}
