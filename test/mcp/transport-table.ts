/**
 * Lists the transports of MCP and their revisions. revision-table.test.ts makes a call over each at every such revision.
 * docs/reference/mcp.md shows the table.
 */
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ServerBlock } from '../../src/mcp/config/server-block.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { startSseServer } from '../support/mcp-sse-server.ts';
import { httpServer, stdioServer } from '../support/mcp-servers.ts';
import { isStateless, type Revision, type Span } from './revisions.ts';

/** A way to reach a server. */
export interface Transport extends Span {
  transport: string;
  /** Starts a server whose first tool takes no arguments. It stops when the test ends. */
  start(t: TestContext, revision: Revision): Promise<ServerBlock>;
}

const program = join(import.meta.dirname, '..', 'support', 'mcp-paged-program.ts');

export const transportTable: Transport[] = [
  {
    transport: 'stdio',
    start: async (_t, revision) => ({
      ...stdioServer('one', { TEST_REVISION: revision }),
      args: [program],
      protocol: { revision },
    }),
  },
  {
    transport: 'Streamable HTTP',
    since: '2025-03-26',
    async start(t, revision) {
      const server = await startHttpServer({ era: isStateless(revision) ? 'stateless' : 'sessions' });
      t.after(server.stop);
      return httpServer('one', server.url, { revision });
    },
  },
  {
    transport: 'HTTP with server-sent events',
    until: '2024-11-05',
    async start(t, revision) {
      const server = await startSseServer();
      t.after(server.stop);
      return httpServer('one', server.url, { revision });
    },
  },
];
