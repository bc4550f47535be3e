/**
 * Encodes rows of the log as columns of `chat_events` and decodes them, with the other columns that hold JSON. Decoding
 * checks JSON columns, because other programs may have written the file.
 */
import { z } from 'zod';
import { usageSchema } from '../protocol/usage.ts';
import { approvalDecisions } from '../../machines/conversation/client-events.ts';
import { decisions, type Decision } from '../../machines/conversation/rows/approval-rows.ts';
import { rowTypes, type LogRow, type ToolCallRequest } from '../../machines/log.ts';
import type { RememberedDecision } from '../../machines/conversation/turn-state.ts';
import type { PostedRow } from './posted-columns.ts';

/** A row from SQLite. Only columns that the schema declares NOT NULL always have a value. */
export interface StoredRow {
  id: string | null;
  conversation_id: string;
  seq: number;
  timestamp: string | null;
  type: string;
  role: string | null;
  content: string | null;
  tool_calls: string | null;
  tool_call_id: string | null;
  model: string | null;
  usage: string | null;
  extra: string | null;
  token_count: number | null;
  request_id: string | null;
}

/** The columns of a row as the write thread gets them. */
export function encodeRow(row: LogRow): PostedRow {
  return [
    row.id,
    row.timestamp,
    row.type,
    row.role,
    row.content,
    row.tool_calls === null ? null : JSON.stringify(row.tool_calls),
    row.tool_call_id,
    row.model,
    row.usage === null ? null : JSON.stringify(row.usage),
    encodeExtra(row.extra),
    row.token_count,
    row.request_id,
  ];
}

/** Empty is stored as NULL, so that queries by people stay readable. */
function encodeExtra(extra: Record<string, unknown>): string | null {
  const text = JSON.stringify(extra);
  return text === '{}' ? null : text;
}

const toolCalls = z.array(
  z.object({
    id: z.string(),
    type: z.literal('function'),
    function: z.object({ name: z.string(), arguments: z.string() }),
  }),
) satisfies z.ZodType<ToolCallRequest[]>;

const extra = z.record(z.string(), z.unknown());

const rowType = z.enum(rowTypes);

const role = z.enum(['user', 'assistant', 'tool', 'system']);

/**
 * A column that cannot be decoded counts as absent, so that one broken row does not block a conversation. For its owner, a
 * row has the conversation's name as `conversationId`.
 */
export function decodeRow(row: StoredRow, conversationId = row.conversation_id): LogRow {
  return {
    id: row.id ?? `${row.conversation_id}:${row.seq}`,
    conversation_id: conversationId,
    seq: row.seq,
    timestamp: row.timestamp ?? '',
    type: rowType.safeParse(row.type).data ?? 'meta',
    role: role.safeParse(row.role).data ?? null,
    content: row.content,
    tool_calls: parseColumn(toolCalls, row.tool_calls),
    tool_call_id: row.tool_call_id,
    model: row.model,
    usage: parseColumn(usageSchema, row.usage),
    extra: decodeExtra(row.extra),
    token_count: row.token_count,
    request_id: row.request_id,
  };
}

const rememberedDecisions = z.array(
  z.object({
    server: z.string(),
    tool_name: z.string(),
    definition: z.string().default(''),
    decision: z.enum(approvalDecisions),
  }),
);

/** One entry of `conversations.remembered`. */
export function encodeRemembered({ server, toolName, definition, decision }: RememberedDecision): string {
  return JSON.stringify({ server, tool_name: toolName, definition, decision });
}

/** A list that cannot be decoded counts as empty: people are asked again. */
export function decodeRemembered(text: string | null): RememberedDecision[] {
  const known = parseColumn(rememberedDecisions, text) ?? [];
  return known.map(({ server, tool_name: toolName, definition, decision }) => ({
    server,
    toolName,
    definition,
    decision,
  }));
}

const response = z.object({
  decision: z.enum(decisions),
});

/** The decision in the row of an answer. Null if there is none. */
export function decodeDecision(extra: Record<string, unknown>): Decision | null {
  return response.safeParse(extra).data?.decision ?? null;
}

/** The further fields of a row. Empty if the column is not readable. */
export function decodeExtra(text: string | null): Record<string, unknown> {
  return parseColumn(extra, text) ?? {};
}

function parseColumn<T>(schema: z.ZodType<T>, text: string | null): T | null {
  if (text === null) return null;
  try {
    return schema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
