/** Defines the actions on conversations: subscribe, read, list, fork, delete. Part of the table in actions.ts. */
import { z } from 'zod';
import type { ActionEntry } from './action-entry.ts';
import { logEvent } from './log-event.ts';
import { conversationId, count, cursor, nextCursor, page, seq } from './values.ts';

const headSeq = count.describe('The newest row. 0 if none.');
const oldestSeq = count.describe('The oldest row that is still stored.');

const listedConversation = z.strictObject({
  conversation_id: z.string().describe('Its id.'),
  title: z.string().nullable().describe('The beginning of its first message. Null if none.'),
  created_at: z.string().describe('UTC, ISO 8601.'),
  updated_at: z.string().describe('Time of its newest row, by the clock of the server.'),
  message_count: count.describe('Stored messages of the user and the assistant.'),
  tokens: count.describe('Tokens of the stored rows.'),
  spent_tokens: z
    .number()
    .describe('Tokens used by all its requests to models, also by those whose rows are deleted. A fork starts at 0.'),
  cost: z.number().describe('Cost of these tokens, in the unit of the configured prices. 0 if no model has a price.'),
  head_seq: headSeq,
  activity: z
    .enum(['idle', 'running', 'waiting'])
    .describe('`waiting`: for a person. `running`: a turn has not ended.'),
});

/** By the name of the action. */
export const conversationActions = {
  subscribe: {
    payload: () =>
      z
        .object({
          conversation_id: conversationId,
          ...cursor.shape,
          state: z
            .boolean()
            .default(false)
            .describe('`true`: the server also sends a `state` frame for each state change.'),
        })
        .describe(
          'Subscribes to a conversation: the server sends what the client lacks, then every new row and frame.',
        ),
    result: z
      .strictObject({
        head_seq: headSeq,
        oldest_seq: oldestSeq,
        truncated: z.boolean().describe('Rows after the cursor are deleted. The server continues with the oldest row.'),
        reset: z
          .boolean()
          .describe('The cursor was beyond the end of the log. The server continues with the oldest row.'),
        state: z.string().describe('The state of the statechart, with dots: `turn.streaming`.'),
        can: z.array(z.string()).describe('The actions that are possible now.'),
        active: z
          .strictObject({
            request_id: z.string().describe('The request_id of the turn.'),
            message_id: z.string().nullable().describe('The message that the model is writing. Null if none.'),
          })
          .nullable()
          .describe('The running turn. Null if none.'),
      })
      .describe('The current state of the conversation. Rows and frames after the cursor follow, then new ones.'),
  },
  unsubscribe: {
    payload: () =>
      z
        .object({ conversation_id: conversationId })
        .describe('Ends the subscription. Requests from this socket are still answered on it.'),
    result: z.strictObject({}),
  },
  history: {
    payload: () =>
      z
        .object({
          conversation_id: conversationId,
          before_seq: seq.optional().describe('Rows before this one. If absent, the newest rows.'),
          limit: z.int().min(1).max(500).default(50).describe('Maximum number of rows.'),
        })
        .describe('Reads a page of the log.'),
    result: z.strictObject({
      events: z.array(logEvent).describe('Rows in the order of the log.'),
      head_seq: headSeq,
      oldest_seq: oldestSeq,
      next_before_seq: seq.nullable().describe('The `before_seq` for the previous page. Null at the oldest row.'),
    }),
  },
  conversations: {
    payload: () => z.object(page).describe("Lists the subject's own conversations, newest first, one page at a time."),
    result: z.strictObject({
      conversations: z.array(listedConversation).describe('Newest first.'),
      next_cursor: nextCursor,
    }),
  },
  fork: {
    payload: () =>
      z
        .object({
          conversation_id: conversationId,
          at_seq: seq.describe(
            'The last row of the fork. It must be the end of a turn while no other turn was queued.',
          ),
        })
        .describe('Creates a new conversation from the beginning of another.'),
    result: z.strictObject({ conversation_id: z.string().describe('The new conversation.') }),
  },
  delete: {
    payload: () =>
      z
        .object({ conversation_id: conversationId })
        .describe('Deletes a conversation and its log. Subscribers get `deleted`.'),
    result: z.strictObject({}),
  },
} satisfies Record<string, ActionEntry>;
