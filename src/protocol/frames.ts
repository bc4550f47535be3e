/**
 * Defines every frame that the server sends, and builds those that several parts of it send. The server does not check
 * outgoing frames with the schemas; the tests do.
 */
import { z } from 'zod';
import type { Decision } from '../../machines/conversation/rows/approval-rows.ts';
import { finishReasons, type Fault, type TurnMetadata, type TurnTotals } from '../../machines/log.ts';
import { fault } from '../errors.ts';
import { resultSchemas, type Result } from './actions.ts';
import { usageSchema } from './usage.ts';
import { chunk, type Chunk } from './chunks.ts';
import { logEvent } from './log-event.ts';
import { count, seq } from './values.ts';

const status = <Name extends string>(name: Name) => z.literal(name).describe('The kind of frame.');
const conversationId = z.string().describe('The conversation.');
const ofTurn = {
  request_id: z.string().describe('The request_id of the turn, for every reader.'),
  conversation_id: conversationId,
};
const replayed = z
  .literal(true)
  .describe('The turn had ended before this chat was sent. This is a repetition of its end; nothing ran.');

export const turnTotals = z.strictObject({
  // The values of a provider are not checked.
  tokens: z.number().describe('Sum of `total_tokens` of its requests to the model.'),
  usage: usageSchema.strict().describe('The sum of the usage.'),
  usage_by_hop: z
    .array(
      z.strictObject({
        hop: count.describe('Number of the request in the turn, from 0.'),
        model: z.string().nullable().describe('The model that answered.'),
        usage: usageSchema.strict().describe('Usage of the request.'),
      }),
    )
    .readonly()
    .describe('Usage of each request to the model. Empty for turns of earlier versions.'),
  model: z.string().nullable().describe('The model that answered. Null if none.'),
  tool_hops: count.describe('Number of requests to the model that had new results of tools.'),
}) satisfies z.ZodType<TurnTotals>;

export const turnMetadata = turnTotals.extend({
  finish_reason: z.enum(finishReasons).describe('Why the turn ended.'),
}) satisfies z.ZodType<TurnMetadata>;

export const faultSchema = z.strictObject({
  code: z.string().describe('The error code. New codes may be added.'),
  message: z.string().describe('The error as text, for people.'),
  retryable: z.boolean().describe('Whether the same request may succeed later.'),
  data: z.record(z.string(), z.unknown()).describe('Details of the error, for programs.'),
}) satisfies z.ZodType<Fault>;

const conversationState = z.strictObject({
  value: z.string().describe('The state, with dots: `idle`, `turn.streaming`, ...'),
  hop: count.describe('Number of requests to the model in this turn that had new results of tools.'),
  can: z.array(z.string()).describe('The actions that are possible now.'),
});

/** One schema for each status of a frame. */
export const frames = {
  processing: z
    .strictObject({
      ...ofTurn,
      status: status('processing'),
      seq: seq.exactOptional().describe("The message's row. Absent if it is deleted."),
      metadata: z
        .strictObject({
          disposition: z
            .enum(['started', 'queued', 'attached'])
            .describe(
              '`started`: the turn begins. `queued`: another turn runs. `attached`: the turn began earlier, and this socket now gets its frames.',
            ),
          position: count.exactOptional().describe('With `queued`: the position in the queue, from 1.'),
        })
        .describe('What happens with the message.'),
    })
    .describe('The message is stored. Sent once for each turn.'),
  chunk: z
    .strictObject({
      ...ofTurn,
      request_id: z
        .string()
        .nullable()
        .describe('The request_id of the turn, for every reader. Null for the `reset` of a message of no known turn.'),
      status: status('chunk'),
      chunk: chunk.describe('The chunk. Its `type` says which.'),
    })
    .describe('A part of a turn.'),
  complete: z
    .strictObject({
      ...ofTurn,
      status: status('complete'),
      seq: seq.exactOptional().describe('The row that ends the turn. Absent if it is deleted.'),
      metadata: turnMetadata
        .extend({ replayed: replayed.exactOptional() })
        .describe('How the turn ended, and its usage.'),
    })
    .describe('The end of a turn that did not fail. Also for a stopped turn.'),
  error: z
    .strictObject({
      request_id: z.string().nullable().describe('The request or the turn. Null if the request had no readable id.'),
      status: status('error'),
      conversation_id: z.string().exactOptional().describe('The conversation, if any.'),
      seq: seq.exactOptional().describe('The row that ends the turn, if a turn failed.'),
      error: faultSchema.describe('The error.'),
      metadata: turnTotals
        .partial()
        .extend({ replayed: replayed.exactOptional() })
        .exactOptional()
        .describe('If a turn failed: its usage until then, as in `complete`. Absent for turns of earlier versions.'),
    })
    .describe('A request was rejected, or a turn failed.'),
  result: z
    .strictObject({
      request_id: z.string().describe('The request_id of the request.'),
      status: status('result'),
      conversation_id: z.string().exactOptional().describe('The conversation, if the request names one.'),
      result: z.union([...resultSchemas.values()]).describe('The result of the action.'),
    })
    .describe('The response to every action except `chat`.'),
  event: z
    .strictObject({
      request_id: z.string().nullable().describe('The turn that the row belongs to.'),
      status: status('event'),
      conversation_id: conversationId,
      seq: seq.describe('The number of the row.'),
      event: logEvent.describe('The row.'),
    })
    .describe('For subscribers: a row, after its commit and before later frames of its turn.'),
  state: z
    .strictObject({
      status: status('state'),
      conversation_id: conversationId,
      state: conversationState.describe('The state of the conversation.'),
    })
    .describe('For subscribers with `state: true`: the state of the statechart changed.'),
  deleted: z
    .strictObject({ status: status('deleted'), conversation_id: conversationId })
    .describe('The conversation was deleted.'),
};

/** Any frame. */
export const frame = z.discriminatedUnion('status', [
  frames.processing,
  frames.chunk,
  frames.complete,
  frames.error,
  frames.result,
  frames.event,
  frames.state,
  frames.deleted,
]);

/** Any frame. */
export type Frame = z.infer<typeof frame>;

/** The state of a conversation's chart, with dots, and the actions that are possible now. */
export type ConversationState = z.infer<typeof conversationState>;

/** An `error` frame that answers a request, not the end of a turn. */
export function errorFrame(requestId: string | null, error: Fault, conversationId?: string): Frame {
  return {
    request_id: requestId,
    status: 'error',
    ...(conversationId === undefined ? {} : { conversation_id: conversationId }),
    error,
  };
}

/** A `chunk` frame of a turn. */
export function chunkFrame(turn: { requestId: string; conversationId: string }, chunk: Chunk) {
  return {
    request_id: turn.requestId,
    status: 'chunk',
    conversation_id: turn.conversationId,
    chunk,
  } as const satisfies Frame;
}

/** A `result` frame. `conversationId`: if the request names one. */
export function resultFrame(requestId: string, result: Result, conversationId?: string): Frame {
  return {
    request_id: requestId,
    status: 'result',
    ...(conversationId === undefined ? {} : { conversation_id: conversationId }),
    result,
  };
}

/** The frame for a `respond` to a question that is closed or does not exist. `interrupt`: null if it does not exist. */
export function lateResponseFrame(
  to: { requestId: string; conversationId: string },
  interrupt: { decision: Decision | null } | null,
): Frame {
  const { requestId, conversationId } = to;
  if (interrupt === null)
    return errorFrame(
      requestId,
      fault('not_found', 'This conversation has no question with that interrupt_id. Check the ids.'),
      conversationId,
    );
  const { decision } = interrupt;
  if (decision === null)
    return errorFrame(
      requestId,
      fault('conversation_failed', 'The conversation failed before it stored the response. Send it again.'),
      conversationId,
    );
  return resultFrame(requestId, { already: { decision } }, conversationId);
}
