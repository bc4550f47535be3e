/**
 * The action `respond`: a person's answer to what a turn has asked. The log is looked at first, so that an answer to
 * nothing, or one that comes too late, opens no conversation; and what the person has written is checked before
 * anything is decided.
 */
import { isDeepStrictEqual } from 'node:util';
import type { RespondEvent } from '../../../machines/conversation/client-events.ts';
import type { SchemaViolation } from '../../mcp/argument-check.ts';
import { fault } from '../../errors.ts';
import { errorFrame, lateAnswerFrame } from '../../protocol/frames.ts';
import type { Payload } from '../../protocol/requests.ts';
import { withDefaults } from './form-defaults.ts';
import type { RequestDeps } from './request-deps.ts';
import type { ClientSession } from '../session.ts';

export interface RespondDeps {
  registry: Pick<RequestDeps['registry'], 'route'>;
  store: Pick<RequestDeps['store'], 'interrupt'>;
  mcpServers: Pick<RequestDeps['mcpServers'], 'settled' | 'validateChange' | 'validateForm'>;
  outbox: Pick<RequestDeps['outbox'], 'reply'>;
}

type Response = Payload<'respond'>;
type Question = Record<string, unknown>;

/** What is wrong with an answer, by the way to its field. */
interface Objection {
  path: string;
  message: string;
}

/** Rejects when the log cannot be read. Who of two is first is decided by the conversation, not here. */
export async function sendResponse(
  { registry, store, outbox, mcpServers }: RespondDeps,
  session: Pick<ClientSession, 'id' | 'subject'>,
  requestId: string,
  response: Response,
): Promise<void> {
  const owner = session.subject;
  const { conversation_id: conversationId, interrupt_id: interruptId, decision, reason, remember } = response;
  const interrupt = await store.interrupt(owner, conversationId, interruptId);
  if (interrupt === null || interrupt.decision !== null) {
    outbox.reply(session.id, lateAnswerFrame({ requestId, conversationId }, interrupt));
    return;
  }
  const written = await readWritten(mcpServers, interrupt.question, response);
  if ('path' in written) {
    const { path, message } = written;
    outbox.reply(
      session.id,
      errorFrame(requestId, fault('invalid_request', `${path}: ${message}.`, { path }), conversationId),
    );
    return;
  }
  registry.route(
    { owner, conversationId },
    {
      type: 'client.respond',
      by: { session: session.id, requestId },
      interruptId,
      decision,
      reason: reason ?? null,
      ...written,
      remember,
    },
  );
}

/** What a person has written beside the decision, or why it is not taken. */
async function readWritten(
  mcpServers: RespondDeps['mcpServers'],
  question: Question,
  response: Response,
): Promise<Pick<RespondEvent, 'arguments' | 'content'> | Objection> {
  const { kind } = question;
  const decisions = kind === 'elicitation_request' ? ['answer', 'decline', 'cancel'] : ['approve', 'deny'];
  if (!decisions.includes(response.decision))
    return { path: 'payload.decision', message: `expected one of ${decisions.join(', ')} for this question` };
  if (kind !== 'approval_request' && response.arguments !== undefined)
    return { path: 'payload.arguments', message: 'expected nothing, as no call is being approved' };
  if (kind !== 'approval_request' && response.remember)
    return { path: 'payload.remember', message: 'expected nothing, as no call is being approved' };
  if (kind === 'elicitation_request')
    return response.decision === 'answer'
      ? readForm(mcpServers, question, response)
      : { arguments: null, content: null };
  return kind === 'approval_request'
    ? readArguments(mcpServers, question, response)
    : { arguments: null, content: null };
}

async function readArguments(
  mcpServers: RespondDeps['mcpServers'],
  { server, tool_name: toolName, arguments: asked }: Question,
  { arguments: given }: Response,
) {
  // A form sends back all that it was given: what is as it was is no change.
  if (given === undefined || isDeepStrictEqual(given, asked)) return { arguments: null, content: null };
  // Right after a start the tool may not be known yet.
  await mcpServers.settled();
  return (
    objection(
      'payload.arguments',
      mcpServers.validateChange({ server: String(server), toolName: String(toolName) }, given),
    ) ?? {
      arguments: given,
      content: null,
    }
  );
}

function readForm(mcpServers: RespondDeps['mcpServers'], { ask }: Question, { content: given }: Response) {
  const { schema }: { schema?: Record<string, unknown> } = Object(ask);
  // A page that was visited: what happened there is not told here.
  if (schema === undefined)
    return given === undefined
      ? { arguments: null, content: null }
      : { path: 'payload.content', message: 'expected nothing, as the question is a page to visit' };
  const content = withDefaults(schema, given ?? {});
  return objection('payload.content', mcpServers.validateForm(schema, content)) ?? { arguments: null, content };
}

function objection(field: string, breach: SchemaViolation | null): Objection | null {
  return breach && { path: [field, ...breach.path].join('.'), message: breach.message };
}
