/** Handles the action `tools`: lists the tools of the MCP servers, and the state of each server. */
import { resultFrame } from '../../protocol/frames.ts';
import { serializeServerStatus } from '../server-status.ts';
import type { ClientSession } from '../session.ts';
import type { ActionDeps } from './action-handler.ts';

/** Replies at once with the tools that are known now. Returns null: there is nothing to wait for. */
export function handleTools(
  { mcpServers, leftOut, delivery }: ActionDeps,
  session: ClientSession,
  requestId: string,
): null {
  const listed = mcpServers.tools();
  const reasons = leftOut(listed);
  const tools = listed.map(({ name, server, title, description, inputSchema, annotations }) => ({
    name,
    server,
    title,
    description,
    input_schema: inputSchema,
    annotations,
    left_out: reasons.get(name) ?? null,
  }));
  delivery.reply(
    session.id,
    resultFrame(requestId, { tools, servers: mcpServers.statuses().map(serializeServerStatus) }),
  );
  return null;
}
