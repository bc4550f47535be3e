/** Converts the reason why an MCP server did not deliver a prompt or resource into a fault for the client. Pure. */
import type { Fault } from '../../../machines/log.ts';
import { fault } from '../../errors.ts';
import type { Unavailable } from '../../mcp/prompts-and-resources.ts';

/** `path`: the field of the request that names the server. */
export function unavailableFault({ unavailable, server, message }: Unavailable, path = 'payload.server'): Fault {
  switch (unavailable) {
    case 'server':
      return fault('invalid_request', `${path}: ${message}`, { path });
    case 'connection':
      return fault('mcp_unavailable', message, { server });
    case 'answer':
      return fault('mcp_refused', message, { server });
  }
}
