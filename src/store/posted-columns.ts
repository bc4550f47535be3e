/** Lists the columns that an append fills. Loads nothing else, because the write thread needs them at its start. */
import type { RowType } from '../../machines/log.ts';

/** The columns that a posted row fills; conversation_id and seq are the append's. */
export const postedColumns = [
  'id',
  'timestamp',
  'type',
  'role',
  'content',
  'tool_calls',
  'tool_call_id',
  'model',
  'usage',
  'extra',
  'token_count',
  'request_id',
] as const;

/** The values of one row in the order of `postedColumns`, as they are bound to the insert. */
export type PostedRow = [
  id: string,
  timestamp: string,
  type: RowType,
  role: string | null,
  content: string | null,
  toolCalls: string | null,
  toolCallId: string | null,
  model: string | null,
  usage: string | null,
  extra: string | null,
  tokenCount: number | null,
  requestId: string | null,
];
