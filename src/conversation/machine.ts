/**
 * The chart of a conversation with all that it needs of the outside world: each actor that it names, made of the
 * parts of the server. Knows no configuration, and decides nothing.
 */
import { conversationMachine } from '../../machines/conversation/machine.ts';
import { toolCallMachine } from '../../machines/tool-call.ts';
import { createAnswerLogic, type AnswerDeps } from './actors/answer.ts';
import { createPermitLogic } from './actors/ask-permit.ts';
import { createCallToolLogic, type CallToolDeps } from './actors/call-tool.ts';
import { createLoadContextLogic, type LoadContextDeps } from './actors/load-context.ts';
import type { Permits } from '../scheduling/turn-permits.ts';
import { createReadLogLogic, type ReadLogDeps } from './actors/read-log.ts';

/** All that any of its actors asks for. */
export type ConversationParts = AnswerDeps &
  CallToolDeps &
  LoadContextDeps &
  ReadLogDeps & { permits: Pick<Permits, 'acquire'> };

/** One for all conversations: what one conversation remembers is its actor's. */
export function createConversationMachine(parts: ConversationParts) {
  return conversationMachine.provide({
    actors: {
      permit: createPermitLogic(parts.permits),
      readLog: createReadLogLogic(parts),
      loadContext: createLoadContextLogic(parts),
      answer: createAnswerLogic(parts),
      toolCall: toolCallMachine.provide({ actors: { callTool: createCallToolLogic(parts) } }),
    },
  });
}
