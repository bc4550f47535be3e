/**
 * Serves the example page on loopback, and the typed client at /client/ (with /protocol/) as JavaScript: Node removes the
 * types, so no build step is needed. For development; a deployed page bundles the client instead.
 *
 *   node docs/examples/chat-page/serve.ts [PORT]
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';

/** The client and the two modules of the protocol that it imports. */
const sourceFolder = join(import.meta.dirname, '..', '..', '..', 'src');
const types: Record<string, string> = { html: 'text/html', js: 'text/javascript', ts: 'text/javascript' };

const server = createServer(async ({ url = '/' }, response) => {
  const path = new URL(url, 'http://localhost').pathname;
  const [, folder, name = ''] =
    /^\/(client\/|protocol\/)?([\w-]+\.(?:html|js|ts))$/.exec(path === '/' ? '/index.html' : path) ?? [];
  try {
    const text = await readFile(
      folder === undefined ? join(import.meta.dirname, name) : join(sourceFolder, folder, name),
      'utf8',
    );
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
