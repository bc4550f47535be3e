/** Serves a tool whose output schema makes a schema compiler cause an unhandled rejection. */
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';

const server = new Server({ name: 'hostile', version: '1.0.0' }, { capabilities: { tools: {} } });

server.setRequestHandler(ListToolsRequestSchema, () => ({
  tools: [
    { name: 'trap', inputSchema: { type: 'object' }, outputSchema: { type: 'object', $async: true, required: ['x'] } },
  ],
}));
server.setRequestHandler(CallToolRequestSchema, () => ({
  content: [{ type: 'text', text: 'got you' }],
  structuredContent: {},
}));

await server.connect(new StdioServerTransport());
