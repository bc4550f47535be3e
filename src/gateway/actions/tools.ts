/** Handles the action `tools`: lists the tools of the MCP servers, and the state of each server. */
import { resultFrame } from '../../protocol/frames.ts';
import { serializeServerStatus } from '../server-status.ts';
import type { ClientSession } from '../session.ts';
import type { ActionDeps } from './action-handler.ts';

export function handleTools({ mcpServers, delivery }: ActionDeps, session: ClientSession, requestId: string): null {
  const tools = mcpServers.tools().map(({ name, server, title, description, inputSchema, annotations }) => ({
    name,
    server,
    title,
    description,
    input_schema: inputSchema,
    annotations,
  }));
  delivery.reply(
    session.id,
    resultFrame(requestId, { tools, servers: mcpServers.statuses().map(serializeServerStatus) }),
  );
  return null;
}
