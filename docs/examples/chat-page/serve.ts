/**
 * Serves the example page on loopback, and the typed client at /client/ as JavaScript: Node removes the types from
 * src/client/*.ts, so no build step is needed. For development; a deployed page bundles the client instead.
 *
 *   node docs/examples/chat-page/serve.ts [PORT]
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';

const clientFolder = join(import.meta.dirname, '..', '..', '..', 'src', 'client');
const types: Record<string, string> = { html: 'text/html', js: 'text/javascript', ts: 'text/javascript' };

const server = createServer(async ({ url = '/' }, response) => {
  const path = new URL(url, 'http://localhost').pathname;
  const [, inClient, name = ''] =
    /^\/(client\/)?([\w-]+\.(?:html|js|ts))$/.exec(path === '/' ? '/index.html' : path) ?? [];
  try {
    const text = await readFile(join(inClient === undefined ? import.meta.dirname : clientFolder, name), 'utf8');
    const [, extension = ''] = name.split('.');
    response.writeHead(200, { 'content-type': `${types[extension]}; charset=utf-8` });
    response.end(extension === 'ts' ? stripTypeScriptTypes(text) : text);
  } catch {
    response.writeHead(404).end();
  }
});

server.listen(Number(process.argv[2] ?? 3000), 'localhost', () => {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : '';
  process.stdout.write(`The page is at http://localhost:${port}/\n`);
});
