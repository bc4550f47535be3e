/** An MCP server with one tool, over stdio. */
import { McpServer } from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

const server = new McpServer({ name: 'dice', version: '1.0.0' });

server.registerTool(
  'roll_dice',
  {
    description: 'Rolls dice and adds them up.',
    inputSchema: z.object({ count: z.int().min(1).max(100), sides: z.int().min(2).default(6) }),
    annotations: { readOnlyHint: true },
  },
  ({ count, sides }) => {
    const rolls = Array.from({ length: count }, () => 1 + Math.floor(Math.random() * sides));
    const sum = rolls.reduce((total, roll) => total + roll, 0);
    return { content: [{ type: 'text', text: `${rolls.join(' + ')} = ${sum}` }] };
  },
);

await server.connect(new StdioServerTransport());
