/** How an MCP server stands, as those are told it who may chat. */
import type { ServerStatus } from '../mcp/port.ts';

export function serializeServerStatus({ authorizeUrl, ...status }: ServerStatus) {
  return { ...status, authorize_url: authorizeUrl };
}
