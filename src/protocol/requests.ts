/**
 * What each action may be asked with. Unknown fields are dropped, known ones are checked: a validated payload is
 * a fresh object, so nothing a client wrote reaches an actor as it was.
 */
import { z } from 'zod';
import { clientId, cursor, seq } from './values.ts';

export interface ProtocolLimits {
  /** UTF-16 units of a chat's text. */
  maxTextLength: number;
  /** What a chat may name as its model. */
  allowedModels: readonly string[];
  /** Objects and arrays within one another, the frame's own included. */
  maxDepth: number;
}

/** UTF-16 units of the reason for a decision, which the model is told. */
const MAX_REASON = 1000;

/** UTF-16 units of what is typed in for a prompt, and of a URI. */
const MAX_ARGUMENT = 10_000;

/** Resources that one chat may name. */
const MAX_RESOURCES = 32;

const server = z.string().min(1).max(MAX_ARGUMENT).describe('The MCP server, as it is configured.');
const uri = z.string().min(1).max(MAX_ARGUMENT);
const filledIn = z.record(z.string().max(MAX_ARGUMENT), z.string().max(MAX_ARGUMENT)).default({});
const page = {
  cursor: z.string().optional().describe('The `next_cursor` of the page before; absent is the first page.'),
  limit: z.int().min(1).max(200).default(50).describe('Most entries of the page.'),
};

const conversationId = clientId.describe('The conversation.');
const ownConversationId = clientId
  .optional()
  .describe("The conversation; absent is the socket's own, which is made at its first chat.");

/** The payload of each action, before any of it has been checked. */
export function payloads(limits: ProtocolLimits) {
  return {
    chat: z
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
        prompt: z
          .object({
            server,
            name: z.string().min(1).max(MAX_ARGUMENT).describe('The prompt.'),
            arguments: filledIn.describe('What its arguments are filled in with.'),
          })
          .optional()
          .describe('A prompt of an MCP server, whose messages go before the text.'),
        resources: z
          .array(z.object({ server, uri: uri.describe('The resource.') }))
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
          .enum(['queue', 'reject', 'interrupt'])
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
    cancel: z
      .object({
        conversation_id: ownConversationId,
        target: clientId.optional().describe('The request_id of the turn that is meant; absent is the running one.'),
      })
      .describe('Stops a turn, or takes back a queued one.'),
    subscribe: z
      .object({
        conversation_id: conversationId,
        ...cursor.shape,
        state: z.boolean().default(false).describe('`true`: also a `state` frame for each change of the chart.'),
      })
      .describe('Follows a conversation: what the client lacks, then every row and frame as it comes.'),
    unsubscribe: z
      .object({ conversation_id: conversationId })
      .describe('Follows it no more. What was sent from this socket is still answered here.'),
    history: z
      .object({
        conversation_id: conversationId,
        before_seq: seq.optional().describe('Rows before this one; absent is the newest.'),
        limit: z.int().min(1).max(500).default(50).describe('Most rows of the page.'),
      })
      .describe('A page of the log.'),
    conversations: z
      .object({
        cursor: z.string().optional().describe('The `next_cursor` of the page before; absent is the first page.'),
        limit: z.int().min(1).max(200).default(50).describe('Most conversations of the page.'),
      })
      .describe("A page of one's own conversations, newest first."),
    fork: z
      .object({
        conversation_id: conversationId,
        at_seq: seq.describe(
          'The row after which it goes on in two ways: the end of a turn, when no other was waiting.',
        ),
      })
      .describe('Makes a new conversation of the beginning of another.'),
    delete: z
      .object({ conversation_id: conversationId })
      .describe('Ends a conversation and removes its log. Followers get `deleted`.'),
    respond: z
      .object({
        conversation_id: conversationId,
        interrupt_id: clientId.describe('Of the `approval_request` or `elicitation_request`.'),
        decision: z
          .enum(['approve', 'deny', 'answer', 'decline', 'cancel'])
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
    tools: z.object({}).describe('The tools of the MCP servers, and the state of each server.'),
    prompts: z
      .object({ server: server.optional().describe('Of this MCP server alone.'), ...page })
      .describe('A page of the prompts that MCP servers offer.'),
    get_prompt: z
      .object({
        server,
        name: z.string().min(1).max(MAX_ARGUMENT).describe('The prompt.'),
        arguments: filledIn.describe('What its arguments are filled in with.'),
      })
      .describe('A prompt, filled in.'),
    resources: z
      .object({ server: server.optional().describe('Of this MCP server alone.'), ...page })
      .describe('A page of the resources that MCP servers offer, and of the templates for more.'),
    read_resource: z
      .object({ server, uri: uri.describe('The resource, listed or made of a template.') })
      .describe('What a resource holds.'),
    complete_argument: z
      .object({
        server,
        prompt: z.string().min(1).max(MAX_ARGUMENT).optional().describe('The prompt whose argument it is.'),
        uri_template: uri.optional().describe('Or the template whose variable it is.'),
        argument: z
          .object({
            name: z.string().max(MAX_ARGUMENT).describe('Its name.'),
            value: z.string().max(MAX_ARGUMENT).describe('As far as it is typed in.'),
          })
          .describe('What to complete.'),
        known: filledIn.describe('The other arguments, as far as they are filled in.'),
      })
      .refine(({ prompt, uri_template: template }) => (prompt === undefined) !== (template === undefined), {
        path: ['prompt'],
        error: 'expected either a prompt or a uri_template',
      })
      .describe('What an argument may be, given its beginning.'),
    ping: z.object({}).describe('Asks whether the server is there.'),
  };
}

export type Payloads = ReturnType<typeof payloads>;
export type Action = keyof Payloads;

/** A decoded request: one member for each action. */
export type Request = {
  [Name in Action]: { action: Name; requestId: string; payload: z.output<Payloads[Name]> };
}[Action];

/** What an action is asked with. */
export type Payload<Name extends Action> = Extract<Request, { action: Name }>['payload'];
