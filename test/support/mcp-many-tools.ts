/** Runs an MCP server with TEST_TOOLS tools, each of about 100 tokens, over stdio. A call returns TEST_RESULT words. */
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { Server } from '@modelcontextprotocol/server';

const count = Number(process.env['TEST_TOOLS']);
const words = Number(process.env['TEST_RESULT'] ?? 1);
const description = 'Finds a record of the inventory by several criteria, and returns all of its fields in order. ';

serveStdio(() => {
  const server = new Server({ name: 'many', version: '1.0.0' }, { capabilities: { tools: {} } });
  server.setRequestHandler('tools/list', () => ({
    tools: Array.from({ length: count }, (_, index) => ({
      name: `find_${index}`,
      description: description.repeat(4),
      inputSchema: { type: 'object' as const, properties: { query: { type: 'string' } } },
    })),
  }));
  server.setRequestHandler('tools/call', () => ({ content: [{ type: 'text' as const, text: 'word '.repeat(words) }] }));
  return server;
});
