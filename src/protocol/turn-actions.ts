/** The actions on turns: start one, cancel one, answer what one has asked. Part of the table in actions.ts. */
import { z } from 'zod';
import { approvalDecisions, chatModes, questionDecisions } from '../../machines/conversation/client-events.ts';
import { decisions } from '../../machines/conversation/rows/approval.ts';
import type { ActionEntry, ProtocolLimits } from './action-entry.ts';
import {
  clientId,
  conversationId,
  cursor,
  filledPrompt,
  mcpName,
  mcpServerName,
  ownConversationId,
  seq,
} from './values.ts';

/** UTF-16 units of the reason for a decision, which the model is told. */
const MAX_REASON = 1000;

/** Resources that one chat may name. */
const MAX_RESOURCES = 32;

export const turnActions = {
  chat: {
    payload: (limits: ProtocolLimits) =>
      z
        .object({
          text: z
            .string()
            .min(1, 'expected at least one character')
            .max(limits.maxTextLength, `expected at most ${limits.maxTextLength} characters`)
            .transform((text) => text.toWellFormed())
            .optional()
            .describe(
              'The message. A chat with `prompt` may leave it out: the last words of the prompt are the message. So may one with `rewind_to`: the same text is asked again.',
            ),
          prompt: filledPrompt.optional().describe('A prompt of an MCP server, whose messages go before the text.'),
          resources: z
            .array(z.object({ server: mcpServerName, uri: mcpName.describe('The resource.') }))
            .max(MAX_RESOURCES, `expected at most ${MAX_RESOURCES} resources`)
            .default([])
            .describe(
              "Resources of MCP servers, which go before the text. They are kept in the message's row as they are read now.",
            ),
          conversation_id: ownConversationId,
          streaming: z
            .boolean()
            .optional()
            .describe(
              '`false`: no live text, each message whole when it is written. Absent is the setting of the server.',
            ),
          mode: z
            .enum(chatModes)
            .default('queue')
            .describe('If a turn runs already: wait behind it, be refused, or stop it and go first.'),
          cursor: cursor
            .optional()
            .describe('Where the client stands in this turn, if it comes back to it; absent is the beginning.'),
          metadata: z.record(z.string(), z.json()).optional().describe("Kept in `extra` of the message's row."),
          model: z
            .string()
            .refine(
              (model) => limits.allowedModels.includes(model),
              `expected a model that llm.providers.<name>.allowed_models allows: ${limits.allowedModels.join(', ')}`,
            )
            .optional()
            .describe(
              'The model to ask, one that the configuration allows (`allowed_models`); absent is the usual one. A provider that stands in answers with its own where it has not got this one.',
            ),
          rewind_to: seq
            .optional()
            .describe(
              "The row of a user's message on the present branch, in whose place this one is asked: the turn knows what was before it.",
            ),
        })
        .refine((chat) => chat.text !== undefined || chat.prompt !== undefined || chat.rewind_to !== undefined, {
          path: ['text'],
          error: 'expected text, which only a chat with prompt or rewind_to may leave out',
        })
        .describe('A message that asks for a turn. The same chat again, same id and text, never starts a second one.'),
    result: null,
  },
  cancel: {
    payload: () =>
      z
        .object({
          conversation_id: ownConversationId,
          target: clientId.optional().describe('The request_id of the turn that is meant; absent is the running one.'),
        })
        .describe('Stops a turn, or takes back a queued one.'),
    result: z
      .strictObject({
        cancelled: z.array(z.string()).describe('The request_ids of the turns that were stopped.'),
        disposition: z.enum(['cancelled', 'nothing_running']).describe('Whether there was anything to stop.'),
      })
      .describe('It comes after the Stop is in the log and before the end of the turn.'),
  },
  respond: {
    payload: () =>
      z
        .object({
          conversation_id: conversationId,
          interrupt_id: clientId.describe('Of the `approval_request` or `elicitation_request`.'),
          decision: z
            .enum([...approvalDecisions, ...questionDecisions])
            .describe(
              'Of an `approval_request`: `approve` or `deny`. Of an `elicitation_request`: `answer`, `decline` (the person will not) or `cancel` (the person has looked away).',
            ),
          reason: z
            .string()
            .min(1)
            .max(MAX_REASON, `expected at most ${MAX_REASON} characters`)
            .transform((text) => text.toWellFormed())
            .optional()
            .describe('For the model, which is told with the decision.'),
          arguments: z
            .record(z.string(), z.json())
            .optional()
            .describe(
              "With `approve`: makes the call with these instead of the model's. They must fit the tool's schema.",
            ),
          content: z
            .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]))
            .optional()
            .describe(
              'With `answer`: the form as it was filled in. It must fit the `requested_schema`; what is left out gets its default.',
            ),
          remember: z
            .boolean()
            .default(false)
            .describe('`true`: decides about this tool for the rest of the conversation.'),
        })
        .refine(({ decision, arguments: changed }) => changed === undefined || decision === 'approve', {
          path: ['arguments'],
          error: 'only a call that is approved can be made with other arguments',
        })
        .refine(({ decision, content }) => content === undefined || decision === 'answer', {
          path: ['content'],
          error: 'only an answer has content',
        })
        .describe('Answers what a turn has asked a person. The first answer counts.'),
    result: z.union([
      z.strictObject({ accepted: z.literal(true).describe('The decision counts.') }),
      z.strictObject({
        already: z
          .strictObject({
            decision: z.enum(decisions).describe('What was decided.'),
          })
          .describe('Another came first: a person, the time, or the end of the turn.'),
      }),
    ]),
  },
} satisfies Record<string, ActionEntry>;
