/** Registers prompts and resources for a real test server (mcp-http-server.ts): several pages, and some that misbehave. */
import { ResourceTemplate, completable, type McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';

const CITIES = ['Graz', 'Linz', 'Salzburg', 'Wien', 'Wels'];

/** `read` is called with each URI that is read, and returns the text of `memo://today`. */
export function offerMemos(
  server: McpServer,
  read: (uri: string) => string | Promise<string> = () => 'Buy bread.',
): void {
  const args = z.object({
    city: completable(z.string(), (value) => CITIES.filter((city) => city.startsWith(value))),
    days: z.string().optional(),
  });
  server.registerPrompt(
    'weather',
    { title: 'Weather', description: 'Asks for the\u0007 weather.', argsSchema: args },
    ({ city, days = '1' }) => ({
      description: 'As the server says it.',
      messages: [
        { role: 'user', content: { type: 'text', text: `What will the weather in ${city} be for ${days} days?` } },
        { role: 'assistant', content: { type: 'text', text: 'In which unit?' } },
        { role: 'user', content: { type: 'image', data: 'AAAA', mimeType: 'image/png' } },
      ],
    }),
  );
  for (const name of ['greet', 'thank']) {
    server.registerPrompt(name, {}, () => ({ messages: [{ role: 'user', content: { type: 'text', text: name } }] }));
  }
  server.registerResource(
    'today',
    'memo://today',
    { description: 'What is to be done.', mimeType: 'text/plain' },
    async ({ href }) => ({
      contents: [{ uri: href, mimeType: 'text/plain', text: await read(href) }],
    }),
  );
  server.registerResource('picture', 'memo://picture', { mimeType: 'image/png' }, ({ href }) => ({
    contents: [{ uri: href, mimeType: 'image/png', blob: 'AAAA' }],
  }));
  server.registerResource('broken', 'memo://broken', {}, () => {
    throw new Error('the memo is locked');
  });
  const of = new ResourceTemplate('memo://of/{day}', {
    list: undefined,
    complete: { day: (value) => ['friday', 'sunday'].filter((day) => day.startsWith(value)) },
  });
  server.registerResource('of a day', of, { description: 'Of any day.' }, ({ href }, { day }) => ({
    contents: [{ uri: href, text: `On ${String(day)}: nothing.` }],
  }));
}
