/**
 * The action `respond`: a person's answer to what a turn has asked. The log is looked at first, so that
 * an answer to nothing, or one that comes too late, opens no conversation; and changed arguments are checked
 * before anything is decided.
 */
import { isDeepStrictEqual } from 'node:util';
import { fault } from '../errors.ts';
import { errorFrame, lateAnswerFrame } from '../protocol/frames.ts';
import type { Request } from '../protocol/requests.ts';
import type { RequestDeps } from './requests.ts';
import type { ClientSession } from './session.ts';

export interface RespondDeps {
  registry: Pick<RequestDeps['registry'], 'route'>;
  store: Pick<RequestDeps['store'], 'interrupt'>;
  toolbox: Pick<RequestDeps['toolbox'], 'settled' | 'check'>;
  outbox: Pick<RequestDeps['outbox'], 'reply'>;
}

/** Rejects when the log cannot be read. Who of two is first is decided by the conversation, not here. */
export async function sendResponse(
  { registry, store, outbox, toolbox }: RespondDeps,
  session: Pick<ClientSession, 'id' | 'subject'>,
  requestId: string,
  { conversation_id: conversationId, interrupt_id: interruptId, decision, reason, arguments: given, remember }: Extract<Request, { action: 'respond' }>['payload'],
): Promise<void> {
  const owner = session.subject;
  const interrupt = await store.interrupt(owner, conversationId, interruptId);
  if (interrupt === null || interrupt.decision !== null) {
    outbox.reply(session.id, lateAnswerFrame({ requestId, conversationId }, interrupt));
    return;
  }
  const { server, tool_name: toolName, arguments: asked } = interrupt.question;
  // A form sends back all that it was given: what is as it was is no change.
  const changed = given === undefined || isDeepStrictEqual(given, asked) ? null : given;
  if (changed) {
    // Right after a start the tool may not be known yet.
    await toolbox.settled();
    const breach = toolbox.check({ server: String(server), toolName: String(toolName) }, changed);
    if (breach) {
      const path = ['payload', 'arguments', ...breach.path].join('.');
      outbox.reply(session.id, errorFrame(requestId, fault('invalid_request', `${path}: ${breach.message}.`, { path }), conversationId));
      return;
    }
  }
  registry.route({ owner, conversationId }, { type: 'client.respond', by: { session: session.id, requestId }, interruptId, decision, reason: reason ?? null, arguments: changed, remember });
}
