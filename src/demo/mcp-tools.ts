/** Registers the tools, the prompt and the resource of the bundled MCP server. */
import { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { listFolder } from './mcp-folder.ts';

const annotations = { readOnlyHint: true, openWorldHint: false };
const say = (text: string) => ({ content: [{ type: 'text' as const, text }] });

/** Creates the server, which is not connected. Its `list_folder` reads nothing outside of `root`. */
export function createDemoServer(root: string): McpServer {
  const server = new McpServer({ name: 'parley-demo', version: '1.0.0' });

  server.registerTool(
    'add',
    { description: 'Adds two numbers.', inputSchema: z.object({ a: z.number(), b: z.number() }), annotations },
    ({ a, b }) => say(String(a + b)),
  );

  server.registerTool(
    'current_time',
    {
      description: 'Returns the current date and time.',
      inputSchema: z.object({
        timezone: z.string().optional().describe('IANA name such as Europe/Vienna; UTC if absent'),
      }),
      annotations,
    },
    ({ timezone = 'UTC' }) => {
      // An unknown zone throws a RangeError, which becomes an error result for the model.
      const time = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'long', timeZone: timezone });
      return say(time.format(new Date()));
    },
  );

  server.registerTool(
    'word_count',
    {
      description: 'Counts the words, characters and lines of a text.',
      inputSchema: z.object({ text: z.string() }),
      annotations,
    },
    ({ text }) =>
      say(`${text.match(/\S+/g)?.length ?? 0} words, ${text.length} characters, ${text.split('\n').length} lines`),
  );

  server.registerTool(
    'list_folder',
    {
      description: 'Lists the entries of a folder below the root of this server.',
      inputSchema: z.object({ path: z.string().default('.').describe('Relative to the root') }),
      annotations,
    },
    async ({ path }) => say(await listFolder(root, path)),
  );

  server.registerPrompt(
    'summarize',
    { description: 'Asks for a summary of a text.', argsSchema: z.object({ text: z.string() }) },
    ({ text }) => ({
      messages: [{ role: 'user', content: { type: 'text', text: `Summarize this in three sentences:\n\n${text}` } }],
    }),
  );

  server.registerResource(
    'about',
    'parley://about',
    { description: 'Describes this server.', mimeType: 'text/plain' },
    ({ href }) => ({
      contents: [{ uri: href, mimeType: 'text/plain', text: 'The demo MCP server that comes with Parley.' }],
    }),
  );
  return server;
}
