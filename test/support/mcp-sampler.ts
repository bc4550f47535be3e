/**
 * A test server's offer with one of everything that MCP has had so far, and ways to let it change: what
 * test/mcp/revision-table.ts plays at every revision.
 */
import type { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { demandResumed, demandWaiting } from './mcp-demands.ts';
import { offerMemos } from './mcp-offers.ts';
import { offerResumedTable, offerWaitingTable } from './mcp-questions.ts';

/** One for a test server of either era; `offer` is given each of its sessions, or each of its requests since 2026-07-28. */
export function createSampler(era: 'sessions' | 'stateless') {
  const servers: McpServer[] = [];
  let grown = false;

  const offerLate = (server: McpServer) => {
    server.registerTool('late', { inputSchema: z.object({}) }, () => ({ content: [] }));
    server.registerPrompt('late', {}, () => ({ messages: [] }));
    server.registerResource('late', 'memo://late', {}, () => ({ contents: [] }));
  };

  return {
    offer(server: McpServer): void {
      servers.push(server);
      offerMemos(server);
      (era === 'sessions' ? offerWaitingTable : offerResumedTable)(server, { booked: [], refused: [] });
      (era === 'sessions' ? demandWaiting : demandResumed)(server);
      server.registerTool('steps', { inputSchema: z.object({}) }, async (_args, { mcpReq }) => {
        const progressToken = mcpReq._meta?.progressToken;
        if (progressToken !== undefined)
          await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress: 1, total: 2 } });
        return { content: [{ type: 'text', text: 'stepped' }] };
      });
      server.registerTool('show', { inputSchema: z.object({}) }, () => ({
        content: [
          { type: 'image', data: 'AAAA', mimeType: 'image/png' },
          { type: 'resource', resource: { uri: 'memo://inside', mimeType: 'text/plain', text: 'embedded' } },
        ],
      }));
      server.registerTool('sound', { inputSchema: z.object({}), annotations: { readOnlyHint: true } }, () => ({
        content: [{ type: 'audio', data: 'AAAA', mimeType: 'audio/wav' }],
      }));
      server.registerTool('link', { title: 'Links', inputSchema: z.object({}) }, () => ({
        content: [{ type: 'resource_link', uri: 'memo://today', name: 'today' }],
      }));
      server.registerTool(
        'weigh',
        { inputSchema: z.object({}), outputSchema: z.object({ grams: z.number() }) },
        () => ({ content: [], structuredContent: { grams: 7 } }),
      );
      if (grown) offerLate(server);
    },
    /** From now on there is one more of each; sessions tell of it themselves. */
    grow(): void {
      grown = true;
      for (const server of servers) if (server.isConnected()) offerLate(server);
    },
  };
}
