/** Handles the action `read_resource`: reads a resource from its MCP server. */
import { isUnavailable } from '../../mcp/prompts-and-resources.ts';
import { errorFrame, resultFrame } from '../../protocol/frames.ts';
import type { Payload } from '../../protocol/actions.ts';
import type { ClientSession } from '../session.ts';
import type { ActionDeps } from './action-handler.ts';
import { unavailableFault } from './unavailable-fault.ts';

/** Replies with the parts of the resource, or with an error that says why the server cannot be asked. */
export async function handleReadResource(
  { promptsAndResources, delivery }: ActionDeps,
  session: ClientSession,
  requestId: string,
  { server, uri }: Payload<'read_resource'>,
): Promise<void> {
  const parts = await promptsAndResources.read(server, uri, session.subject);
  const frame = isUnavailable(parts)
    ? errorFrame(requestId, unavailableFault(parts))
    : resultFrame(requestId, {
        contents: parts.map(({ uri, mimeType, text, blob }) => ({ uri, mime_type: mimeType, text, blob })),
      });
  delivery.reply(session.id, frame);
}
