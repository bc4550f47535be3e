/** Handles the action `read_resource`: reads a resource from its MCP server. */
import { isMissing } from '../../mcp/library.ts';
import { errorFrame, resultFrame } from '../../protocol/frames.ts';
import type { Payload } from '../../protocol/actions.ts';
import type { ClientSession } from '../session.ts';
import type { ActionDeps } from './action-handler.ts';
import { missingFault } from './missing-fault.ts';

export async function handleReadResource(
  { library, outbox }: ActionDeps,
  session: ClientSession,
  requestId: string,
  { server, uri }: Payload<'read_resource'>,
): Promise<void> {
  const parts = await library.read(server, uri);
  const frame = isMissing(parts)
    ? errorFrame(requestId, missingFault(parts))
    : resultFrame(requestId, {
        contents: parts.map(({ uri, mimeType, text, blob }) => ({ uri, mime_type: mimeType, text, blob })),
      });
  outbox.reply(session.id, frame);
}
