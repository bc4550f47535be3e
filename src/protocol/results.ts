/**
 * What each action but `chat` is answered with. The server's own words: they are not checked on their way out,
 * but the tests check every one of them.
 */
import { z } from 'zod';
import { logEvent } from './log-event.ts';
import { count, seq } from './values.ts';
import type { Action } from './requests.ts';

const nothing = () => z.strictObject({});
const headSeq = count.describe('The newest row; 0 while there is none.');
const oldestSeq = count.describe('The oldest row that is kept.');

const listedConversation = z.strictObject({
  conversation_id: z.string().describe('Its id.'),
  title: z.string().nullable().describe('Its first words; null while nobody has said any.'),
  created_at: z.string().describe('UTC, ISO 8601.'),
  updated_at: z.string().describe('Of its last row, by which the list is ordered.'),
  message_count: count.describe('User and assistant messages that are kept.'),
  tokens: count.describe('Of the rows that are kept.'),
  spent_tokens: z
    .number()
    .describe(
      'What all its requests to models have used, those of rows that are gone too. 0 for a fork that has made none.',
    ),
  cost: z
    .number()
    .describe('What that costs, in the unit of the prices in the configuration; 0 where no model has one.'),
  head_seq: headSeq,
  activity: z
    .enum(['idle', 'running', 'waiting'])
    .describe('`waiting` for a person; `running` with turns that have no end yet.'),
});

const offeredTool = z.strictObject({
  name: z.string().describe('As the model calls it.'),
  server: z.string().describe('Its MCP server.'),
  title: z.string().nullable().describe('Its name for people; null where it has none.'),
  description: z.string().describe('What it does, in the words of its server.'),
  input_schema: z.record(z.string(), z.unknown()).describe('JSON Schema of its arguments, as the server gave it.'),
  annotations: z
    .record(z.string(), z.boolean())
    .describe(
      "What its server says of it, in the MCP's words: `readOnlyHint`, `destructiveHint`, `idempotentHint`, `openWorldHint`.",
    ),
});

const mcpServer = z.strictObject({
  name: z.string().describe('As it is configured.'),
  state: z
    .string()
    .describe('The state of its chart: `ready`, `connecting`, `authorizing`, `backingOff`, `failed`, ...'),
  tools: count.describe('How many it offers.'),
  protocol: z
    .string()
    .nullable()
    .describe('The revision of the MCP that is spoken with it; null while there is no connection.'),
  error: z.string().nullable().describe('What is wrong, in words.'),
  authorize_url: z
    .string()
    .nullable()
    .describe('With `authorizing`: what somebody has to open in a browser on the machine of the server; else null.'),
});

const ofServer = z.string().describe('Its MCP server.');
const named = {
  server: ofServer,
  name: z.string().describe('As its server calls it.'),
  title: z.string().nullable().describe('For people; null where the server gives none.'),
  description: z.string().describe('In the words of its server.'),
};
const mimeType = z.string().nullable().describe('Null where the server does not say.');
const nextCursor = z.string().nullable().describe('The `cursor` of the next page; null on the last.');
const servers = z.array(mcpServer).describe('All that are configured. Of one that is not `ready` nothing is listed.');

const offeredPrompt = z.strictObject({
  ...named,
  arguments: z
    .array(
      z.strictObject({
        name: z.string().describe('Its name.'),
        description: z.string().describe('In the words of the server.'),
        required: z.boolean().describe('Whether it must be filled in.'),
      }),
    )
    .describe('What is to be filled in.'),
});

const offeredResource = z.strictObject({
  ...named,
  uri: z.string().describe('To read it by.'),
  mime_type: mimeType,
  size_bytes: z.number().nullable().describe('Null where the server does not say.'),
});

const resourceTemplate = z.strictObject({
  ...named,
  uri_template: z.string().describe('RFC 6570: what its variables are filled in with makes a URI.'),
  mime_type: mimeType,
});

export const results = {
  cancel: z
    .strictObject({
      cancelled: z.array(z.string()).describe('The request_ids of the turns that were stopped.'),
      disposition: z.enum(['cancelled', 'nothing_running']).describe('Whether there was anything to stop.'),
    })
    .describe('It comes after the Stop is in the log and before the end of the turn.'),
  subscribe: z
    .strictObject({
      head_seq: headSeq,
      oldest_seq: oldestSeq,
      truncated: z.boolean().describe('Rows after the cursor are gone; it goes on from the oldest.'),
      reset: z.boolean().describe('The cursor lay beyond the log; it goes on from the oldest.'),
      state: z.string().describe('The state of the chart, dotted.'),
      can: z.array(z.string()).describe('The actions that it takes now.'),
      active: z
        .strictObject({
          request_id: z.string().describe('Its request_id.'),
          message_id: z.string().nullable().describe('The message that is being written; null while there is none.'),
        })
        .nullable()
        .describe('The turn that runs; null while there is none.'),
    })
    .describe('It tells where the conversation stands. What the client lacks follows, then what is new.'),
  unsubscribe: nothing(),
  history: z.strictObject({
    events: z.array(logEvent).describe('In the order of the log.'),
    head_seq: headSeq,
    oldest_seq: oldestSeq,
    next_before_seq: seq.nullable().describe('The `before_seq` of the page before; null at the oldest row.'),
  }),
  conversations: z.strictObject({
    conversations: z.array(listedConversation).describe('Newest first.'),
    next_cursor: z.string().nullable().describe('The `cursor` of the next page; null on the last.'),
  }),
  fork: z.strictObject({ conversation_id: z.string().describe('The new conversation.') }),
  delete: nothing(),
  respond: z.union([
    z.strictObject({ accepted: z.literal(true).describe('The decision counts.') }),
    z.strictObject({
      already: z
        .strictObject({
          decision: z
            .enum(['approve', 'deny', 'answer', 'decline', 'cancel', 'expired', 'cancelled'])
            .describe('What was decided.'),
        })
        .describe('Another came first: a person, the time, or the end of the turn.'),
    }),
  ]),
  tools: z.strictObject({
    tools: z
      .array(offeredTool)
      .describe(
        'What the servers offer. Tools whose `permission` is `never` are among them, but no model is told of those.',
      ),
    servers: z.array(mcpServer).describe('All that are configured.'),
  }),
  prompts: z.strictObject({
    prompts: z.array(offeredPrompt).describe('In the order of the servers.'),
    next_cursor: nextCursor,
    servers,
  }),
  get_prompt: z.strictObject({
    description: z.string().describe('In the words of the server.'),
    messages: z
      .array(
        z.strictObject({
          role: z.enum(['user', 'assistant']).describe('Who says it.'),
          text: z.string().describe('What a model is shown of it.'),
          content: z.record(z.string(), z.unknown()).describe('The content block as the server gave it.'),
        }),
      )
      .describe('What the prompt says.'),
  }),
  resources: z.strictObject({
    resources: z.array(offeredResource).describe('In the order of the servers.'),
    templates: z.array(resourceTemplate).describe('They follow the last of the resources.'),
    next_cursor: nextCursor,
    servers,
  }),
  read_resource: z.strictObject({
    contents: z
      .array(
        z.strictObject({
          uri: z.string().describe('The part; that of the resource, or one below it.'),
          mime_type: mimeType,
          text: z.string().nullable().describe('Null for what is no text.'),
          blob: z.string().nullable().describe('Base64; null for text.'),
        }),
      )
      .describe('Its parts.'),
  }),
  complete_argument: z.strictObject({
    values: z.array(z.string()).describe('At most 100.'),
    total: z.number().nullable().describe('How many there are; null where the server has not counted them.'),
    has_more: z.boolean().describe('Whether there are more than these.'),
  }),
  ping: nothing(),
} satisfies Record<Exclude<Action, 'chat'>, z.ZodType>;

/** What any of them is answered with. */
export type Result = Results[keyof Results];

/** The result of each action. */
export type Results = { [Name in keyof typeof results]: z.infer<(typeof results)[Name]> };
