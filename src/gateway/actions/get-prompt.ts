/** Handles the action `get_prompt`: asks an MCP server for a prompt with its arguments filled in. */
import { isUnavailable } from '../../mcp/prompts-and-resources.ts';
import { errorFrame, resultFrame } from '../../protocol/frames.ts';
import type { Payload } from '../../protocol/actions.ts';
import type { ClientSession } from '../session.ts';
import type { ActionDeps } from './action-handler.ts';
import { unavailableFault } from './unavailable-fault.ts';

/** Replies with the filled prompt, or with an error that says why the server cannot be asked. */
export async function handleGetPrompt(
  { promptsAndResources, delivery }: ActionDeps,
  session: ClientSession,
  requestId: string,
  { server, name, arguments: args }: Payload<'get_prompt'>,
): Promise<void> {
  const prompt = await promptsAndResources.fill(server, name, args, session.subject);
  const frame = isUnavailable(prompt)
    ? errorFrame(requestId, unavailableFault(prompt))
    : resultFrame(requestId, {
        description: prompt.description,
        messages: prompt.messages.map(({ role, text, content }) => ({ role, text, content })),
      });
  delivery.reply(session.id, frame);
}
