/** Converts the reason why an MCP server did not deliver a prompt or resource into a fault for the client. Pure. */
import type { Fault } from '../../../machines/log.ts';
import { fault } from '../../errors.ts';
import type { Missing } from '../../mcp/library.ts';

/** `path`: the field of the request that names the server. */
export function missingFault({ missing, server, message }: Missing, path = 'payload.server'): Fault {
  switch (missing) {
    case 'server':
      return fault('invalid_request', `${path}: ${message}`, { path });
    case 'connection':
      return fault('mcp_unavailable', message, { server });
    case 'answer':
      return fault('mcp_refused', message, { server });
  }
}
