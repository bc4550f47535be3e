/**
 * Defines a row of the log as clients see it: the columns of `chat_events` without the conversation, with JSON parsed
 * and null for absent values. machines/log.ts defines the content of rows.
 */
import { z } from 'zod';
import { rowTypes, type LogRow } from '../../machines/log.ts';
import { usageSchema } from './usage.ts';
import { count, seq } from './values.ts';

/** Rows may come from an imported database. So times and ids are checked only as text. */
type Row = Omit<LogRow, 'conversation_id' | 'extra'> & { extra: LogRow['extra'] | null };

const toolCall = z.strictObject({
  id: z.string().describe('The `call_id` of its chunks.'),
  type: z.literal('function').describe('Always `function`.'),
  function: z
    .strictObject({ name: z.string().describe('The tool.'), arguments: z.string().describe('A JSON object as text.') })
    .describe('As OpenAI-compatible APIs define it.'),
});

export const logEvent = z.strictObject({
  id: z.string().describe("The row's id. For an assistant message: the `message_id` of its chunks."),
  seq: seq.describe('The number of the row.'),
  timestamp: z.string().describe('Time of the commit: UTC, ISO 8601.'),
  type: z.enum(rowTypes).describe('The kind of row.'),
  role: z
    .enum(['user', 'assistant', 'tool', 'system'])
    .nullable()
    .describe('The author of the content. Null for rows without content of a role.'),
  content: z.string().nullable().describe('The text.'),
  tool_calls: z.array(toolCall).nullable().describe('The tool calls of an assistant message.'),
  tool_call_id: z.string().nullable().describe('The tool call that the row belongs to.'),
  model: z.string().nullable().describe("The model that wrote the row. For a user's message: the model that it names."),
  usage: usageSchema.strict().nullable().describe('Usage of the request to the model that produced the row.'),
  token_count: count.nullable().describe('Tokens of the row.'),
  request_id: z.string().nullable().describe('The turn that the row belongs to.'),
  extra: z
    .record(z.string(), z.unknown())
    .nullable()
    .describe(
      'Further data: `metadata` and `tools` of a message; `reasoning` of an answer; `duration_ms` and `first_token_ms` of its request to the model; `name`, `server` and `status` of calls; `kind` of `meta` rows (`turn_end`, `approval_request`, `elicitation_request`, `response`, `cancel`, `rewind`, ...).',
    ),
}) satisfies z.ZodType<Row>;

/** A row as clients see it. */
export type LogEvent = z.infer<typeof logEvent>;
