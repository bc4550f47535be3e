/** Builds valid values for the tests of the charts; a test overrides the fields that matter to it. */
import { randomUUID } from 'node:crypto';
import type {
  Requester,
  CancelEvent,
  ChatEvent,
  DeleteEvent,
  RespondEvent,
} from '../../../machines/conversation/client-events.ts';
import type { ModelAnswer, RequestedCall } from '../../../machines/conversation/hop-answers.ts';
import type { ConversationLimits } from '../../../machines/conversation/context.ts';
import type { HopContext, HopTool, RecoveredState } from '../../../machines/conversation/turn-state.ts';
import type { Fault, LogRow, Usage } from '../../../machines/log.ts';

export const noBudgets: ConversationLimits['budgets'] = {
  turn: { tokens: null, cost: null },
  conversation: { tokens: null, cost: null },
};

export const limits: ConversationLimits = {
  maxToolHops: 3,
  toolConcurrency: 2,
  toolTimeoutMs: 1_000,
  toolMaxTimeoutMs: 5_000,
  toolTaskTimeoutMs: 60_000,
  maxAnswerMs: 600_000,
  maxTurnMs: 1_200_000,
  approvalTimeoutMs: 60_000,
  queueLength: 3,
  attempts: 3,
  retryBudgetMs: 10_000,
  providers: ['first'],
  recovery: { mode: 'resume', attempts: 2, maxAgeMs: 3_600_000 },
  budgets: noBudgets,
};

export const nothingOpen: RecoveredState = {
  interrupted: null,
  stopped: [],
  queue: [],
  remembered: [],
  spent: { tokens: 0, cost: 0 },
};
export const brokenDisk: Fault = { code: 'storage_failed', message: 'The disk is full.', retryable: true, data: {} };
export const providerDown: Fault = {
  code: 'provider_failed',
  message: 'The provider had a fault.',
  retryable: true,
  data: {},
};
export const refusedKey: Fault = { code: 'provider_auth', message: 'The key was refused.', retryable: false, data: {} };
export const tooLong: Fault = {
  code: 'provider_context_length',
  message: 'The conversation is too long.',
  retryable: false,
  data: {},
};
export const someUsage: Usage = { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 };

export function tool(name: string): HopTool {
  return {
    name,
    server: 'demo',
    toolName: name,
    description: '',
    inputSchema: {},
    definition: `${name} of demo`,
    idempotent: name === 'look',
    permission: name === 'delete' ? 'ask' : name === 'format' ? 'never' : 'always',
    timeoutMs: null,
  };
}

/** `look` is idempotent, `delete` needs approval, and `format` is not allowed. */
const tools = new Map(['add', 'wait', 'fail', 'look', 'delete', 'format'].map((name) => [name, tool(name)]));
export const hopContext: HopContext = {
  messages: [{ role: 'user', content: 'Hi' }],
  tokens: 10,
  provider: 'openai',
  model: null,
  tools,
  cut: 0,
  sizes: {
    system: 0,
    tools: { count: 0, tokens: 0, largestServer: null, largestTool: null },
    message: 10,
    result: null,
    rest: 0,
  },
  toolsLeftOut: { byModel: null, byWindow: [] },
};

export function asker(requestId: string): Requester {
  return { session: 's1', requestId };
}

export function chat(requestId: string, changes: Partial<ChatEvent> = {}): ChatEvent {
  return {
    type: 'client.chat',
    session: 's1',
    requestId,
    text: `text of ${requestId}`,
    included: [],
    digest: `digest of ${requestId}`,
    mode: 'queue',
    follow: { streaming: true, cursor: null },
    model: null,
    metadata: null,
    tools: null,
    rewindTo: null,
    ...changes,
  };
}

/** Cancels that turn, or the running one; `by` is the request id of the cancel itself. */
export function cancel(by: string, target: string | null = null): CancelEvent {
  return { type: 'client.cancel', by: asker(by), target };
}

/** Deletes the conversation. */
export function remove(by: string): DeleteEvent {
  return { type: 'client.delete', by: asker(by) };
}

/** A user's answer to the approval request of that call. */
export function respond(
  callId: string,
  decision: 'approve' | 'deny' = 'approve',
  changes: Partial<RespondEvent> = {},
): RespondEvent {
  return {
    type: 'client.respond',
    by: asker(`response to ${callId}`),
    interruptId: `approval_${callId}`,
    decision,
    content: null,
    reason: null,
    arguments: null,
    remember: false,
    ...changes,
  };
}

export function asked(name: string, changes: Partial<RequestedCall> = {}): RequestedCall {
  return { callId: `call_${randomUUID()}`, name, text: '{}', arguments: {}, violation: null, ...changes };
}

export function answer(changes: Partial<ModelAnswer> = {}): ModelAnswer {
  const calls = changes.calls ?? [];
  return {
    messageId: randomUUID(),
    text: calls.length > 0 ? '' : 'Hello.',
    reasoning: '',
    signatures: null,
    calls,
    finishReason: calls.length > 0 ? 'tool_calls' : 'stop',
    usage: someUsage,
    model: 'model-1',
    endedAtMs: 0,
    timing: null,
    ...changes,
  };
}

/** A committed row; its token count is the number of characters of its text. */
export function row(seq: number, requestId: string | null, changes: Partial<LogRow>): LogRow {
  return {
    id: `row-${seq}`,
    conversation_id: 'c1',
    seq,
    timestamp: '2026-01-01T00:00:00.000Z',
    type: 'user_message',
    role: null,
    content: null,
    tool_calls: null,
    tool_call_id: null,
    model: null,
    usage: null,
    extra: {},
    token_count: changes.content?.length ?? null,
    request_id: requestId,
    ...changes,
  };
}
