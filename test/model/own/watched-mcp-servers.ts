/**
 * The real mcpServers, watched: what it offers can be seen, and answers of chosen calls are kept back until they are given
 * up, so that any tool can be late. In the server that is tested, watched-server.ts puts it in the toolbox's place.
 */
import { channel } from 'node:diagnostics_channel';
import {
  createMcpServers as createRealMcpServers,
  type McpServersHost,
  type McpServersOptions,
} from '../../../src/mcp/mcp-servers.ts';

export interface WatchedMcpServers {
  mcpServers: McpServersHost;
  /** For each call to come, in order, whether its answer is kept back; further ones are answered. */
  keepBack(calls: readonly boolean[]): void;
}

/** Where a toolbox makes itself known as soon as it is there. */
export const watchedMcpServers = channel('parley.test.mcp-servers');

export function createMcpServers(options: McpServersOptions): McpServersHost {
  const mcpServers = createRealMcpServers(options);
  let plan: boolean[] = [];
  watchedMcpServers.publish({ mcpServers, keepBack: (calls) => void (plan = [...calls]) } satisfies WatchedMcpServers);
  return {
    ...mcpServers,
    async call(tool, args, callOptions) {
      const isKept = plan.shift() ?? false;
      const end = await mcpServers.call(tool, args, callOptions);
      if (!isKept) return end;
      const { signal } = callOptions;
      if (!signal.aborted)
        await new Promise<void>((givenUp) => signal.addEventListener('abort', () => givenUp(), { once: true }));
      return { status: 'cancelled' };
    },
  };
}
