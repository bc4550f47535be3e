/** Runs the MCP server of the example: a small library over stdio. It is a program; no module imports it. */
import { McpServer } from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

const server = new McpServer({ name: 'library', version: '1.0.0' });
const say = (text: string, isError = false) => ({ content: [{ type: 'text' as const, text }], isError });
const readOnly = { annotations: { readOnlyHint: true } };
const titles = ['Emma', 'Persuasion'];

server.registerTool(
  'find',
  { description: 'Finds a book.', inputSchema: z.object({ title: z.string() }), ...readOnly },
  ({ title }) => (titles.includes(title) ? say(`found ${title}`) : say(`there is no ${title}`, true)),
);
server.registerTool(
  'locate',
  {
    description: 'Says where a book stands.',
    inputSchema: z.object({ code: z.string().regex(/^[A-Z]\d+$/) }),
    ...readOnly,
  },
  ({ code }) => say(`${code} is on the second floor`),
);
server.registerTool(
  'borrow',
  {
    description: 'Lends a book.',
    inputSchema: z.object({ title: z.string() }),
    annotations: { destructiveHint: false },
  },
  ({ title }) => say(`lent ${title}`),
);
server.registerTool(
  'discard',
  { description: 'Throws a book away.', inputSchema: z.object({ title: z.string() }) },
  ({ title }) => say(`${title} is gone`),
);
server.registerTool(
  'reserve',
  {
    description: 'Reserves a book for a person, whose name it asks for.',
    inputSchema: z.object({ title: z.string() }),
  },
  async ({ title }) => {
    const { content } = await server.server.elicitInput({
      message: `For whom is ${title}?`,
      requestedSchema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
    });
    return say(`${title} is kept for ${String(content?.['name'])}`);
  },
);

await server.connect(new StdioServerTransport());
process.stdin.once('end', () => process.exit(0));
