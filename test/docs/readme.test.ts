/** The README is true: its client runs as it stands there and prints what stands there, and its links lead somewhere. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { configSchema } from '../../src/config/schema.ts';
import { demoServer, startParley } from '../support/parley.ts';

const project = join(import.meta.dirname, '..', '..');
const readme = readFileSync(join(project, 'README.md'), 'utf8');
/** The client, and right behind it what it prints. */
const [, client = '', output = ''] = /```js\n(.*?\n)```\n\n```\n(.*?\n)```\n/s.exec(readme) ?? [];

test('the client of the README runs against a server and prints what the README says', async (t) => {
  const [, text = '', url = ''] = /\[text = '(.+?)', url = '(.+?)'\]/.exec(client) ?? [];
  const parley = await startParley(t, { mcpServers: demoServer });
  // A folder like the project's, without writing into it.
  await symlink(join(project, 'src'), join(parley.folder, 'src'));
  await writeFile(join(parley.folder, 'client.mjs'), client);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['client.mjs', text, parley.url], { cwd: parley.folder, timeout: 15_000 });
  assert.deepEqual({ stdout, stderr }, { stdout: output, stderr: '' });

  const { port, endpoint } = configSchema.parse({}).chat.websocket;
  assert.equal(url, `ws://localhost:${port}${endpoint}`, 'where a server listens that was told nothing else');
  assert.equal(client.split('\n').filter((line) => line !== '').length, 10, 'lines');
});

test('the links of the README lead to files that are there', () => {
  const links = [...readme.matchAll(/\]\(([^)#]+)/g)].flatMap(([, link = '']) => (link.startsWith('http') ? [] : [link]));
  assert.ok(links.length > 5);
  for (const link of links) assert.ok(existsSync(join(project, link)), link);
});
