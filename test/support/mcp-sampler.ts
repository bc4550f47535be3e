/**
 * Registers one of every MCP feature at a test server, and can change the offer. test/mcp/revision-table.ts plays it at
 * every revision.
 */
import type { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { demandResumed, demandWaiting } from './mcp-demands.ts';
import { offerMemos } from './mcp-memos.ts';
import { offerResumedTable, offerWaitingTable } from './mcp-questions.ts';

/** For a test server of either era. `offer` is called for each session; since 2026-07-28 for each request. */
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
    /** Adds one more of each. Sessions send the notifications by themselves. */
    grow(): void {
      grown = true;
      for (const server of servers) if (server.isConnected()) offerLate(server);
    },
  };
}
