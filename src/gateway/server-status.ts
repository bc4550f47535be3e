/** Serializes the status of an MCP server for clients that may chat. */
import type { ServerStatus } from '../mcp/port.ts';

/** Renames the fields to those of the wire. */
export function serializeServerStatus({ authorizeUrl, ...status }: ServerStatus) {
  return { ...status, authorize_url: authorizeUrl };
}
