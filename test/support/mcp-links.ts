/** Registers a tool that links to resources, and the resources: a text and an image. */
import type { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';

export function offerLinks(server: McpServer): void {
  const readOnly = { readOnlyHint: true };
  server.registerTool('link', { inputSchema: z.object({}), annotations: readOnly }, () => ({
    content: [
      { type: 'text', text: 'Two files.' },
      { type: 'resource_link', uri: 'file:///plan.txt', name: 'plan', mimeType: 'text/plain' },
      { type: 'resource_link', uri: 'file:///map.png', name: 'map', mimeType: 'image/png' },
    ],
  }));
  server.registerResource('plan', 'file:///plan.txt', { mimeType: 'text/plain' }, ({ href }) => ({
    contents: [{ uri: href, mimeType: 'text/plain', text: `Go north. ${'x'.repeat(500)} The end.` }],
  }));
  server.registerResource('map', 'file:///map.png', { mimeType: 'image/png' }, ({ href }) => ({
    contents: [{ uri: href, mimeType: 'image/png', blob: 'AAAA' }],
  }));
}
