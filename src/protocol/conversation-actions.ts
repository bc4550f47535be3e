/** The actions on whole conversations: follow, read, list, fork, delete. Part of the table in actions.ts. */
import { z } from 'zod';
import type { ActionEntry } from './action-entry.ts';
import { logEvent } from './log-event.ts';
import { conversationId, count, cursor, nextCursor, page, seq } from './values.ts';

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

export const conversationActions = {
  subscribe: {
    payload: () =>
      z
        .object({
          conversation_id: conversationId,
          ...cursor.shape,
          state: z.boolean().default(false).describe('`true`: also a `state` frame for each change of the chart.'),
        })
        .describe('Follows a conversation: what the client lacks, then every row and frame as it comes.'),
    result: z
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
  },
  unsubscribe: {
    payload: () =>
      z
        .object({ conversation_id: conversationId })
        .describe('Follows it no more. What was sent from this socket is still answered here.'),
    result: z.strictObject({}),
  },
  history: {
    payload: () =>
      z
        .object({
          conversation_id: conversationId,
          before_seq: seq.optional().describe('Rows before this one; absent is the newest.'),
          limit: z.int().min(1).max(500).default(50).describe('Most rows of the page.'),
        })
        .describe('A page of the log.'),
    result: z.strictObject({
      events: z.array(logEvent).describe('In the order of the log.'),
      head_seq: headSeq,
      oldest_seq: oldestSeq,
      next_before_seq: seq.nullable().describe('The `before_seq` of the page before; null at the oldest row.'),
    }),
  },
  conversations: {
    payload: () => z.object(page).describe("A page of one's own conversations, newest first."),
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
            'The row after which it goes on in two ways: the end of a turn, when no other was waiting.',
          ),
        })
        .describe('Makes a new conversation of the beginning of another.'),
    result: z.strictObject({ conversation_id: z.string().describe('The new conversation.') }),
  },
  delete: {
    payload: () =>
      z
        .object({ conversation_id: conversationId })
        .describe('Ends a conversation and removes its log. Followers get `deleted`.'),
    result: z.strictObject({}),
  },
} satisfies Record<string, ActionEntry>;
