/**
 * Wraps the real MCP servers: shows what they offer, and holds back the results of chosen calls until they are aborted,
 * so that any tool can be late. watched-server.ts replaces the real module with this one in the tested server.
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
  withholdAnswers(calls: readonly boolean[]): void;
}

/** Publishes the MCP servers as soon as they are created. */
export const watchedMcpServers = channel('parley.test.mcp-servers');

export function createMcpServers(options: McpServersOptions): McpServersHost {
  const mcpServers = createRealMcpServers(options);
  let plan: boolean[] = [];
  watchedMcpServers.publish({
    mcpServers,
    withholdAnswers: (calls) => void (plan = [...calls]),
  } satisfies WatchedMcpServers);
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
