/**
 * The wire: every request a client may send and every frame it may get. The only place that knows
 * their shapes. A validated request is a fresh object, so nothing a client wrote reaches an actor as it was.
 */
import { z } from 'zod';
import { fault } from './errors.ts';
import { isDeeperThan } from './json-depth.ts';
import type { Fault, LogRow, ToolStatus, TurnMetadata } from '../machines/log.ts';

/** 1 to 128 characters, opaque, no control characters. */
const id = z
  .string()
  // oxlint-disable-next-line no-control-regex
  .regex(/^[^\u0000-\u001f\u007f-\u009f]{1,128}$/, 'expected 1 to 128 characters without control characters')
  .refine((text) => text.isWellFormed(), 'expected well-formed Unicode');

const count = z.int().min(0);

/** UTF-16 units of the reason for a decision, which the model is told. */
const MAX_REASON = 1000;

/** A field of the protocol that this version does not serve. */
const notYet = (what: string) => z.undefined({ error: `${what} is not supported by this version; leave the field out` }).optional();

const cursor = z.object({
  after_seq: count.default(0),
  message_id: id.optional(),
  offset: count.optional(),
  reasoning_offset: count.optional(),
});

/** The payload of each action, before any of it has been checked. */
export function payloads(limits: ProtocolLimits) {
  return {
    chat: z.object({
      text: z
        .string()
        .min(1, 'expected at least one character')
        .max(limits.maxTextLength, `expected at most ${limits.maxTextLength} characters`)
        .transform((text) => text.toWellFormed())
        .optional(),
      conversation_id: id.optional(),
      streaming: z.boolean().optional(),
      mode: z.enum(['queue', 'reject', 'interrupt']).default('queue'),
      cursor: cursor.optional(),
      metadata: z.record(z.string(), z.json()).optional(),
      // Refused rather than dropped: an edit must not become an ordinary message.
      model: notYet('choosing a model with a chat'),
      rewind_to: z.int().min(1).optional(),
    }).refine((chat) => chat.text !== undefined || chat.rewind_to !== undefined, { path: ['text'], error: 'expected text, which only a chat with rewind_to may leave out' }),
    cancel: z.object({ conversation_id: id.optional(), target: id.optional() }),
    history: z.object({
      conversation_id: id,
      before_seq: z.int().min(1).optional(),
      limit: z.int().min(1).max(500).default(50),
    }),
    conversations: z.object({ cursor: z.string().optional(), limit: z.int().min(1).max(200).default(50) }),
    delete: z.object({ conversation_id: id }),
    fork: z.object({ conversation_id: id, at_seq: z.int().min(1) }),
    subscribe: z.object({ conversation_id: id, ...cursor.shape, state: z.boolean().default(false) }),
    unsubscribe: z.object({ conversation_id: id }),
    respond: z.object({
      conversation_id: id,
      interrupt_id: id,
      decision: z.enum(['approve', 'deny']),
      reason: z.string().min(1).max(MAX_REASON, `expected at most ${MAX_REASON} characters`).transform((text) => text.toWellFormed()).optional(),
      arguments: z.record(z.string(), z.json()).optional(),
      content: notYet('answering a question of an MCP server'),
      remember: z.boolean().default(false),
    }).refine(({ decision, arguments: changed }) => changed === undefined || decision === 'approve', {
      path: ['arguments'],
      error: 'only a call that is approved can be made with other arguments',
    }),
    tools: z.object({}),
    ping: z.object({}),
  };
}

export interface ProtocolLimits {
  /** UTF-16 units of a chat's text. */
  maxTextLength: number;
  /** Objects and arrays within one another, the frame's own included. */
  maxDepth: number;
}

type Payloads = ReturnType<typeof payloads>;

/** A decoded request: one member for each action. */
export type Request = {
  [Action in keyof Payloads]: { action: Action; requestId: string; payload: z.output<Payloads[Action]> };
}[keyof Payloads];

export type Decoded = { request: Request } | { requestId: string | null; fault: Fault };

/** Makes the decoder of text frames. It never throws: what is wrong comes back as the fault to answer with. */
export function createDecoder(limits: ProtocolLimits): (text: string) => Decoded {
  const table = payloads(limits);
  const envelope = z.object({ action: z.string(), request_id: id, payload: z.record(z.string(), z.unknown()).default({}) });
  const actions = Object.keys(table);

  return (text) => {
    const json = parseJson(text);
    if (json === undefined) return { requestId: null, fault: fault('invalid_json', 'The frame is not valid JSON.') };
    // Before any schema: they read values recursively, and thousands of levels would end the process.
    if (isDeeperThan(json, limits.maxDepth)) {
      return { requestId: legibleId(json), fault: fault('invalid_request', `frame: expected at most ${limits.maxDepth} levels of nesting.`, { path: 'frame' }) };
    }
    const outer = envelope.safeParse(json);
    if (!outer.success) return { requestId: legibleId(json), fault: invalid(outer.error) };
    const { action, request_id: requestId, payload } = outer.data;
    switch (action) {
      case 'chat':
      case 'cancel':
      case 'history':
      case 'conversations':
      case 'delete':
      case 'fork':
      case 'subscribe':
      case 'unsubscribe':
      case 'respond':
      case 'tools':
      case 'ping':
        return decodePayload(table[action], action, requestId, payload);
      default:
        return {
          requestId,
          fault: fault('unknown_action', `There is no action "${action.slice(0, 40)}". Use one of: ${actions.join(', ')}.`, { allowed: actions }),
        };
    }
  };
}

function decodePayload<Action extends keyof Payloads>(schema: Payloads[Action], action: Action, requestId: string, payload: unknown): Decoded {
  const parsed = schema.safeParse(payload);
  if (!parsed.success) return { requestId, fault: invalid(parsed.error, ['payload']) };
  // The compiler cannot pair a schema with its action across the union; the table above does.
  return { request: { action, requestId, payload: parsed.data } as Request };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The request id of a frame that is otherwise wrong, so that its sender can match the error. */
function legibleId(json: unknown): string | null {
  const parsed = z.object({ request_id: id }).safeParse(json);
  return parsed.success ? parsed.data.request_id : null;
}

function invalid(error: z.ZodError, prefix: string[] = []): Fault {
  const issue = error.issues[0];
  const path = [...prefix, ...(issue?.path ?? [])].join('.') || 'frame';
  return fault('invalid_request', `${path}: ${issue?.message ?? 'not as expected'}.`, { path });
}

/** The kinds of `chunk`; one that shows a row of the log carries the row's `seq`. */
export type Chunk =
  | { type: 'text' | 'reasoning'; message_id: string; offset: number; data: string }
  | { type: 'tool_call'; call_id: string; name: string; server: string; arguments: Record<string, unknown>; attempt?: number; edited?: boolean; remembered?: boolean; data: string; seq: number }
  | { type: 'tool_result'; call_id: string; name: string; status: ToolStatus; remembered?: boolean; data: string; duration_ms: number; seq: number }
  | {
      type: 'approval_request';
      interrupt_id: string;
      call_id: string;
      name: string;
      server: string;
      arguments: Record<string, unknown>;
      /** UTC, ISO 8601: after it the call is denied. */
      expires_at: string;
      data: string;
      seq: number;
    }
  | { type: 'tool_progress'; call_id: string; progress: number; total?: number; data: string }
  | { type: 'notice'; kind: string; data: string; [detail: string]: unknown }
  | { type: 'reset'; message_id: string; data: string };

/** A row of the log as clients see it: the columns of `chat_events` without the conversation, absent as null. */
export type LogEvent = Omit<LogRow, 'conversation_id' | 'extra'> & { extra: LogRow['extra'] | null };

/** Where a conversation stands: its chart's state, dotted, and what it takes now. */
export interface ConversationState {
  value: string;
  hop: number;
  can: string[];
}

interface OfTurn {
  request_id: string;
  conversation_id: string;
}

/** Every frame the server sends. */
export type Frame =
  | (OfTurn & { status: 'processing'; seq?: number; metadata: { disposition: 'started' | 'queued' | 'attached'; position?: number } })
  | (OfTurn & { status: 'chunk'; chunk: Chunk })
  | (OfTurn & { status: 'complete'; seq?: number; metadata: TurnMetadata & { replayed?: true } })
  | { request_id: string | null; status: 'error'; conversation_id?: string; seq?: number; error: Fault; metadata?: { replayed: true } }
  | { request_id: string | null; status: 'event'; conversation_id: string; seq: number; event: LogEvent }
  | { status: 'deleted'; conversation_id: string }
  | { status: 'state'; conversation_id: string; state: ConversationState }
  | { request_id: string; status: 'result'; conversation_id?: string; result: Record<string, unknown> };

/** An `error` frame that answers a request outside any turn. */
export function errorFrame(requestId: string | null, problem: Fault, conversationId?: string): Frame {
  return { request_id: requestId, status: 'error', ...(conversationId === undefined ? {} : { conversation_id: conversationId }), error: problem };
}

/** The answer to a `respond` that nobody waits for any more: what was decided, or that nothing was ever asked. */
export function lateAnswerFrame(to: { requestId: string; conversationId: string }, interrupt: { decision: string | null } | null): Frame {
  const { requestId, conversationId } = to;
  if (interrupt === null) return errorFrame(requestId, fault('not_found', 'Nothing of that interrupt_id was asked in this conversation.'), conversationId);
  const { decision } = interrupt;
  if (decision === null) return errorFrame(requestId, fault('conversation_failed', 'The answer could not be taken in. Send it again.'), conversationId);
  return { request_id: requestId, status: 'result', conversation_id: conversationId, result: { already: { decision } } };
}
