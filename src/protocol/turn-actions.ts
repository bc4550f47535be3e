/** Defines the actions on turns: start, cancel, respond to a question. Part of the table in actions.ts. */
import { z } from 'zod';
import { approvalDecisions, chatModes, questionDecisions } from '../../machines/conversation/client-events.ts';
import { decisions } from '../../machines/conversation/rows/approval-rows.ts';
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

/** UTF-16 units of the reason for a decision, which the model gets. */
const MAX_REASON = 1000;

/** Resources that one chat may name. */
const MAX_RESOURCES = 32;

/** Of one list. Each pattern is compared with each tool. */
const MAX_TOOL_PATTERNS = 256;
/** UTF-16 units: a server, a separator and a tool. */
const MAX_TOOL_PATTERN = 300;

const toolPatterns = z
  .array(
    z
      .string()
      .min(1, 'expected at least one character')
      .max(MAX_TOOL_PATTERN, `expected at most ${MAX_TOOL_PATTERN} characters`)
      .transform((pattern) => pattern.toWellFormed()),
  )
  .max(MAX_TOOL_PATTERNS, `expected at most ${MAX_TOOL_PATTERNS} names`);

/** Strict: a misspelt key would leave tools in that the sender wants out. */
const toolChoice = z.strictObject({
  allow: toolPatterns
    .optional()
    .describe(
      'Only these. A name is that of the tool in `tools`, `server/tool`, `server` or `server.tool`. `*` stands for any text: `files/*`. Empty: no tool. If absent, all.',
    ),
  deny: toolPatterns.default([]).describe('Not these. Takes precedence over `allow`.'),
});

/** By the name of the action. */
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
              'The message. Optional with `prompt`: the last message of the prompt takes its place. Optional with `rewind_to`: the earlier text is sent again.',
            ),
          prompt: filledPrompt.optional().describe('A prompt of an MCP server. Its messages go before the text.'),
          resources: z
            .array(z.object({ server: mcpServerName, uri: mcpName.describe('The resource.') }))
            .max(MAX_RESOURCES, `expected at most ${MAX_RESOURCES} resources`)
            .default([])
            .describe(
              "Resources of MCP servers. They go before the text. The server reads them now and stores them in the message's row.",
            ),
          conversation_id: ownConversationId,
          streaming: z
            .boolean()
            .optional()
            .describe(
              '`false`: the client gets each message whole, once it is stored. If absent, the setting of the server applies.',
            ),
          mode: z
            .enum(chatModes)
            .default('queue')
            .describe('What to do while another turn runs: wait behind it, be rejected, or stop it and go first.'),
          cursor: cursor
            .optional()
            .describe(
              'How much of this turn the client has, if it reconnects. If absent, it gets the turn from the beginning.',
            ),
          tools: toolChoice
            .optional()
            .describe(
              'The tools that this turn may use, among those that the server offers. It cannot add tools or permissions. Stored with the message. Other keys are rejected. If absent, all.',
            ),
          metadata: z
            .record(z.string(), z.json())
            .refine(
              (metadata) => Buffer.byteLength(JSON.stringify(metadata)) <= limits.maxMetadataBytes,
              `expected at most ${limits.maxMetadataBytes} bytes as JSON (chat.service.max_metadata_size)`,
            )
            .optional()
            .describe("Stored in `extra` of the message's row. `chat.service.max_metadata_size` limits its size."),
          model: z
            .string()
            .refine(
              (model) => limits.allowedModels.includes(model),
              `expected a model that llm.providers.<name>.allowed_models allows: ${limits.allowedModels.join(', ')}`,
            )
            .optional()
            .describe(
              'The model to use. The configuration must allow it (`allowed_models`). If absent, the default model is used. A fallback provider without this model uses its own.',
            ),
          rewind_to: seq
            .optional()
            .describe(
              "The row of a user's message on the current branch. The chat replaces that message: the model sees only what was before it.",
            ),
        })
        .refine((chat) => chat.text !== undefined || chat.prompt !== undefined || chat.rewind_to !== undefined, {
          path: ['text'],
          error: 'expected text; it is optional only with prompt or rewind_to',
        })
        .describe(
          'Sends a message, which starts a turn. Sending it again with the same id and text never starts a second turn.',
        ),
    result: null,
  },
  cancel: {
    payload: () =>
      z
        .object({
          conversation_id: ownConversationId,
          target: clientId
            .optional()
            .describe('The request_id of the turn to stop. If absent, the running turn is stopped.'),
        })
        .describe('Stops a running turn, or removes a queued one.'),
    result: z
      .strictObject({
        cancelled: z.array(z.string()).describe('The request_ids of the stopped turns.'),
        disposition: z.enum(['cancelled', 'nothing_running']).describe('Whether a turn was stopped.'),
      })
      .describe('It is sent after the cancel is in the log and before the end of the turn.'),
  },
  respond: {
    payload: () =>
      z
        .object({
          conversation_id: conversationId,
          interrupt_id: clientId.describe('The `interrupt_id` of the `approval_request` or `elicitation_request`.'),
          decision: z
            .enum([...approvalDecisions, ...questionDecisions])
            .describe(
              'For an `approval_request`: `approve` or `deny`. For an `elicitation_request`: `answer`, `decline` (the person refuses) or `cancel` (the person dismissed the question).',
            ),
          reason: z
            .string()
            .min(1)
            .max(MAX_REASON, `expected at most ${MAX_REASON} characters`)
            .transform((text) => text.toWellFormed())
            .optional()
            .describe('Sent to the model with the decision.'),
          arguments: z
            .record(z.string(), z.json())
            .optional()
            .describe("With `approve`: replace the model's arguments. They must match the tool's schema."),
          content: z
            .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]))
            .optional()
            .describe(
              'With `answer`: the values of the form. They must match the `requested_schema`. Missing fields get their defaults.',
            ),
          remember: z
            .boolean()
            .default(false)
            .describe('`true`: the decision applies to this tool for the rest of the conversation.'),
        })
        .refine(({ decision, arguments: changed }) => changed === undefined || decision === 'approve', {
          path: ['arguments'],
          error: 'expected nothing; arguments can be changed only with approve',
        })
        .refine(({ decision, content }) => content === undefined || decision === 'answer', {
          path: ['content'],
          error: 'expected nothing; only answer has content',
        })
        .describe('Answers a question that a turn has asked. The first response counts.'),
    result: z.union([
      z.strictObject({ accepted: z.literal(true).describe('The decision is stored.') }),
      z.strictObject({
        already: z
          .strictObject({
            decision: z.enum(decisions).describe('The decision that counts.'),
          })
          .describe(
            'The question was closed before: by another response, by its time limit, or by the end of the turn.',
          ),
      }),
    ]),
  },
} satisfies Record<string, ActionEntry>;
