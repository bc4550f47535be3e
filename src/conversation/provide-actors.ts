/**
 * Provides the conversation chart with the actors that it names, built from parts of the server.
 */
import { conversationMachine } from '../../machines/conversation/machine.ts';
import { toolCallMachine } from '../../machines/tool-call.ts';
import { createAnswerLogic, type AnswerDeps } from './actors/answer.ts';
import { createPermitLogic } from './actors/acquire-permit.ts';
import { createCallToolLogic, type CallToolDeps } from './actors/call-tool.ts';
import { createLoadContextLogic, type LoadContextDeps } from './actors/load-context.ts';
import type { Permits } from '../scheduling/turn-permits.ts';
import { createReadLogLogic, type ReadLogDeps } from './actors/read-log.ts';

/** The dependencies of all its actors. */
export type ActorDeps = AnswerDeps &
  CallToolDeps &
  LoadContextDeps &
  ReadLogDeps & { permits: Pick<Permits, 'acquire'> };

/** Creates one machine for all conversations. Each conversation's state is in its actor. */
export function createConversationMachine(deps: ActorDeps) {
  return conversationMachine.provide({
    actors: {
      permit: createPermitLogic(deps.permits),
      readLog: createReadLogLogic(deps),
      loadContext: createLoadContextLogic(deps),
      answer: createAnswerLogic(deps),
      toolCall: toolCallMachine.provide({ actors: { callTool: createCallToolLogic(deps) } }),
    },
  });
}
