/** Handles the action `get_prompt`: asks an MCP server for a prompt with its arguments filled in. */
import { isMissing } from '../../mcp/library.ts';
import { errorFrame, resultFrame } from '../../protocol/frames.ts';
import type { Payload } from '../../protocol/actions.ts';
import type { ClientSession } from '../session.ts';
import type { ActionDeps } from './action-handler.ts';
import { missingFault } from './missing-fault.ts';

export async function handleGetPrompt(
  { library, outbox }: ActionDeps,
  session: ClientSession,
  requestId: string,
  { server, name, arguments: args }: Payload<'get_prompt'>,
): Promise<void> {
  const prompt = await library.fill(server, name, args);
  const frame = isMissing(prompt)
    ? errorFrame(requestId, missingFault(prompt))
    : resultFrame(requestId, { description: prompt.description, messages: prompt.messages });
  outbox.reply(session.id, frame);
}
