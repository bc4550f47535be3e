/**
 * Every frame that the server sends, and the few that more than one part of it sends. The schemas describe;
 * nothing is run on a frame on its way out.
 */
import { z } from 'zod';
import type { Decision } from '../../machines/conversation/rows/approval.ts';
import { finishReasons, type Fault, type TurnMetadata, type TurnTotals } from '../../machines/log.ts';
import { fault } from '../errors.ts';
import { resultSchemas, type Result } from './actions.ts';
import { usageSchema } from './usage.ts';
import { chunk } from './chunks.ts';
import { logEvent } from './log-event.ts';
import { count, seq } from './values.ts';

const status = <Name extends string>(name: Name) => z.literal(name).describe('The kind of frame.');
const conversationId = z.string().describe('The conversation.');
const ofTurn = { request_id: z.string().describe("The turn's, whoever reads it."), conversation_id: conversationId };
const replayed = z
  .literal(true)
  .describe('The turn had ended before this chat asked for it: it is told anew, nothing ran.');

export const turnTotals = z.strictObject({
  // What a provider reports is taken as it is.
  tokens: z.number().describe('The sum of `total_tokens` over its requests to the model.'),
  usage: usageSchema.strict().describe('The same in parts.'),
  usage_by_hop: z
    .array(
      z.strictObject({
        hop: count.describe('Which request of the turn it was, from 0.'),
        model: z.string().nullable().describe('The model that answered it.'),
        usage: usageSchema.strict().describe('What it has used.'),
      }),
    )
    .readonly()
    .describe('The same for each request to the model. Empty for turns of earlier versions.'),
  model: z.string().nullable().describe('The model that answered; null where none did.'),
  tool_hops: count.describe('How often the model was given results of tools.'),
}) satisfies z.ZodType<TurnTotals>;

export const turnMetadata = turnTotals.extend({
  finish_reason: z.enum(finishReasons).describe('Why it ended.'),
}) satisfies z.ZodType<TurnMetadata>;

export const faultSchema = z.strictObject({
  code: z.string().describe('Which kind of fault it is; more kinds may come.'),
  message: z.string().describe('What is wrong, fit for people.'),
  retryable: z.boolean().describe('Whether the same request may succeed later.'),
  data: z.record(z.string(), z.unknown()).describe('What the code has to say for programs.'),
}) satisfies z.ZodType<Fault>;

const conversationState = z.strictObject({
  value: z.string().describe('The state, dotted: `idle`, `turn.streaming`, ...'),
  hop: count.describe('How often the model was given results of tools in this turn.'),
  can: z.array(z.string()).describe('The actions that it takes now.'),
});

export const frames = {
  processing: z
    .strictObject({
      ...ofTurn,
      status: status('processing'),
      seq: seq.exactOptional().describe("The message's row; absent when it is no longer kept."),
      metadata: z
        .strictObject({
          disposition: z
            .enum(['started', 'queued', 'attached'])
            .describe('`queued`: another runs. `attached`: the turn had begun before, and this socket follows it now.'),
          position: count.exactOptional().describe('With `queued`: its place in the queue, 1 is the next.'),
        })
        .describe('How it goes on.'),
    })
    .describe('Once a turn: the message is stored.'),
  chunk: z
    .strictObject({
      ...ofTurn,
      request_id: z
        .string()
        .nullable()
        .describe("The turn's, whoever reads it; null for the `reset` of a message that no turn is known to write."),
      status: status('chunk'),
      chunk: chunk.describe('Told apart by its `type`.'),
    })
    .describe('A part of a turn.'),
  complete: z
    .strictObject({
      ...ofTurn,
      status: status('complete'),
      seq: seq.exactOptional().describe('The row that ends the turn; absent when it is no longer kept.'),
      metadata: turnMetadata.extend({ replayed: replayed.exactOptional() }).describe('How it ended, and what it took.'),
    })
    .describe('The end of a turn that did not fail, a stopped one too.'),
  error: z
    .strictObject({
      request_id: z.string().nullable().describe('The request, or the turn; null for a frame without a legible one.'),
      status: status('error'),
      conversation_id: z.string().exactOptional().describe('The conversation, where there is one.'),
      seq: seq.exactOptional().describe('The row that ends the turn, if a turn has failed.'),
      error: faultSchema.describe('What is wrong.'),
      metadata: turnTotals
        .partial()
        .extend({ replayed: replayed.exactOptional() })
        .exactOptional()
        .describe(
          'If a turn has failed: what it took until then, as `complete` tells it; absent for turns of earlier versions.',
        ),
    })
    .describe('A request was refused, or a turn has failed.'),
  result: z
    .strictObject({
      request_id: z.string().describe("The request's."),
      status: status('result'),
      conversation_id: z.string().exactOptional().describe('The conversation, where the action names one.'),
      result: z.union([...resultSchemas.values()]).describe("The action's answer."),
    })
    .describe('The answer to every action but `chat`.'),
  event: z
    .strictObject({
      request_id: z.string().nullable().describe('The turn that the row belongs to.'),
      status: status('event'),
      conversation_id: conversationId,
      seq: seq.describe('The number of the row.'),
      event: logEvent.describe('The row.'),
    })
    .describe('For subscribers: a row, after its commit and before any later frame of its turn.'),
  state: z
    .strictObject({
      status: status('state'),
      conversation_id: conversationId,
      state: conversationState.describe('Where the conversation stands.'),
    })
    .describe('For subscribers that asked: a change of the chart.'),
  deleted: z
    .strictObject({ status: status('deleted'), conversation_id: conversationId })
    .describe('The conversation is gone.'),
};

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

export type Frame = z.infer<typeof frame>;

/** Where a conversation stands: its chart's state, dotted, and what it takes now. */
export type ConversationState = z.infer<typeof conversationState>;

/** An `error` frame that answers a request outside any turn. */
export function errorFrame(requestId: string | null, problem: Fault, conversationId?: string): Frame {
  return {
    request_id: requestId,
    status: 'error',
    ...(conversationId === undefined ? {} : { conversation_id: conversationId }),
    error: problem,
  };
}

/** A `result` frame; with the conversation where the action names one. */
export function resultFrame(requestId: string, result: Result, conversationId?: string): Frame {
  return {
    request_id: requestId,
    status: 'result',
    ...(conversationId === undefined ? {} : { conversation_id: conversationId }),
    result,
  };
}

/** The answer to a `respond` that nobody waits for any more: what was decided, or that nothing was ever asked. */
export function lateResponseFrame(
  to: { requestId: string; conversationId: string },
  interrupt: { decision: Decision | null } | null,
): Frame {
  const { requestId, conversationId } = to;
  if (interrupt === null)
    return errorFrame(
      requestId,
      fault('not_found', 'Nothing of that interrupt_id was asked in this conversation.'),
      conversationId,
    );
  const { decision } = interrupt;
  if (decision === null)
    return errorFrame(
      requestId,
      fault('conversation_failed', 'The answer could not be taken in. Send it again.'),
      conversationId,
    );
  return resultFrame(requestId, { already: { decision } }, conversationId);
}
