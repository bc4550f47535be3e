/**
 * Handles the action `respond`: a person's response to a question of a turn. Reads the log first, so that a response that
 * is late or has no question opens no conversation. Validates arguments and forms before the conversation gets them.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  approvalDecisions,
  questionDecisions,
  type RespondEvent,
} from '../../../machines/conversation/client-events.ts';
import type { SchemaViolation } from '../../mcp/validation/explain-result.ts';
import { fault } from '../../errors.ts';
import { errorFrame, lateResponseFrame } from '../../protocol/frames.ts';
import type { Payload } from '../../protocol/actions.ts';
import { withDefaults } from './form-defaults.ts';
import type { ActionDeps } from './action-handler.ts';
import type { ClientSession } from '../session.ts';

/** The parts that the handler uses. */
export interface RespondDeps {
  registry: Pick<ActionDeps['registry'], 'route'>;
  store: Pick<ActionDeps['store'], 'interrupt'>;
  mcpServers: Pick<ActionDeps['mcpServers'], 'settled' | 'fitChange' | 'validateForm'>;
  delivery: Pick<ActionDeps['delivery'], 'reply'>;
}

type Response = Payload<'respond'>;
type Question = Record<string, unknown>;

/** The path of an invalid field, and what was expected. */
interface InvalidField {
  path: string;
  message: string;
}

/** Rejects if the log cannot be read. The conversation decides which of two responses is first. */
export async function handleRespond(
  { registry, store, delivery, mcpServers }: RespondDeps,
  session: Pick<ClientSession, 'id' | 'subject'>,
  requestId: string,
  response: Response,
): Promise<void> {
  const owner = session.subject;
  const { conversation_id: conversationId, interrupt_id: interruptId, decision, reason, remember } = response;
  const interrupt = await store.interrupt(owner, conversationId, interruptId);
  if (interrupt === null || interrupt.decision !== null) {
    delivery.reply(session.id, lateResponseFrame({ requestId, conversationId }, interrupt));
    return;
  }
  const written = await readResponse(mcpServers, interrupt.question, response);
  if ('path' in written) {
    const { path, message } = written;
    delivery.reply(
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

/** The arguments and form of a response, or the invalid field. */
async function readResponse(
  mcpServers: RespondDeps['mcpServers'],
  question: Question,
  response: Response,
): Promise<Pick<RespondEvent, 'arguments' | 'content'> | InvalidField> {
  const { kind } = question;
  const decisions: readonly string[] = kind === 'elicitation_request' ? questionDecisions : approvalDecisions;
  if (!decisions.includes(response.decision))
    return { path: 'payload.decision', message: `expected one of ${decisions.join(', ')} for this question` };
  if (kind !== 'approval_request' && response.arguments !== undefined)
    return {
      path: 'payload.arguments',
      message: 'expected nothing, because the question is not about approving a call',
    };
  if (kind !== 'approval_request' && response.remember)
    return {
      path: 'payload.remember',
      message: 'expected nothing, because the question is not about approving a call',
    };
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
  { server, tool_name: toolName, arguments: original }: Question,
  { arguments: given }: Response,
) {
  // A form returns all its fields. Unchanged arguments are no change.
  if (given === undefined || isDeepStrictEqual(given, original)) return { arguments: null, content: null };
  // After a start the tool may not be known yet.
  await mcpServers.settled();
  const fitted = await mcpServers.fitChange({ server: String(server), toolName: String(toolName) }, given);
  return (
    invalidField('payload.arguments', fitted.violation) ?? {
      arguments: isDeepStrictEqual(fitted.arguments, original) ? null : fitted.arguments,
      content: null,
    }
  );
}

async function readForm(mcpServers: RespondDeps['mcpServers'], { ask }: Question, { content: given }: Response) {
  const { schema }: { schema?: Record<string, unknown> } = Object(ask);
  // The question is a page to open. The response has no content.
  if (schema === undefined)
    return given === undefined
      ? { arguments: null, content: null }
      : { path: 'payload.content', message: 'expected nothing, because the question is a page to open' };
  const content = withDefaults(schema, given ?? {});
  return (
    invalidField('payload.content', await mcpServers.validateForm(schema, content)) ?? { arguments: null, content }
  );
}

function invalidField(field: string, breach: SchemaViolation | null): InvalidField | null {
  return breach && { path: [field, ...breach.path].join('.'), message: breach.message };
}
