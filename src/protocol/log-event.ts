/**
 * A row of the log as clients see it: the columns of `chat_events` without the conversation, JSON parsed and
 * what is absent as null. What rows are made of is decided in machines/log.ts.
 */
import { z } from 'zod';
import { rowTypes, type LogRow } from '../../machines/log.ts';
import { usageSchema } from './usage.ts';
import { count, seq } from './values.ts';

/** Of strangers' files too, so no more is promised of times and texts than that they are text. */
type Row = Omit<LogRow, 'conversation_id' | 'extra'> & { extra: LogRow['extra'] | null };

const toolCall = z.strictObject({
  id: z.string().describe('The `call_id` of its chunks.'),
  type: z.literal('function').describe('There is no other.'),
  function: z
    .strictObject({ name: z.string().describe('The tool.'), arguments: z.string().describe('A JSON object as text.') })
    .describe('As every OpenAI-compatible API takes it back.'),
});

export const logEvent = z.strictObject({
  id: z.string().describe("The row's own id; of an assistant message, the `message_id` of its chunks."),
  seq: seq.describe('The number of the row.'),
  timestamp: z.string().describe('When it was written: UTC, ISO 8601.'),
  type: z.enum(rowTypes).describe('What kind of row it is.'),
  role: z.enum(['user', 'assistant', 'tool', 'system']).nullable().describe('Whose words it holds; null for facts.'),
  content: z.string().nullable().describe('Its text.'),
  tool_calls: z.array(toolCall).nullable().describe('What an assistant message asks for.'),
  tool_call_id: z.string().nullable().describe('The call that it belongs to.'),
  model: z.string().nullable().describe("The model that wrote it; of a user's message, the one that it names."),
  usage: usageSchema.strict().nullable().describe('Tokens of the request that it is the answer to.'),
  token_count: count.nullable().describe('Tokens of the row itself.'),
  request_id: z.string().nullable().describe('The turn that it belongs to.'),
  extra: z
    .record(z.string(), z.unknown())
    .nullable()
    .describe(
      'What else there is to say: `metadata` of a message, `reasoning` of an answer, `duration_ms` and `first_token_ms` of its request to the model, `name`, `server` and `status` of calls, and the `kind` of facts (`turn_end`, `approval_request`, `elicitation_request`, `response`, `cancel`, `rewind`, ...).',
    ),
}) satisfies z.ZodType<Row>;

export type LogEvent = z.infer<typeof logEvent>;
