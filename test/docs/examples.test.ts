/** Runs the programs of docs/examples/: the chat page works in a real Chromium, and the tutorials show the files as they are. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createBrowser, withoutBrowser } from '../support/browser.ts';
import { demoServer, startParley, type Parley } from '../support/parley.ts';
import { eventually } from '../support/server-process.ts';

const docs = join(import.meta.dirname, '..', '..', 'docs');
const read = (path: string) => readFileSync(join(docs, path), 'utf8');

/** The address of the example page, which chats with this server. */
async function servePage(t: TestContext, parley: Parley): Promise<string> {
  const server = spawn(process.execPath, [join(docs, 'examples/chat-page/serve.ts'), '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(async () => {
    server.kill();
    await once(server, 'exit');
  });
  const [printed] = await once(server.stdout, 'data');
  const [, address] = /at (\S+)/.exec(String(printed)) ?? assert.fail(String(printed));
  return `${address}?server=${encodeURIComponent(parley.url)}`;
}

describe('the example chat page', { skip: withoutBrowser }, () => {
  const openPage = createBrowser();

  it('streams an answer, stops one, and shows both after a reload', async (t) => {
    const parley = await startParley(t, { mcpServers: demoServer, config: { llm: { demo: { chunk_delay_ms: 20 } } } });
    const page = await openPage(t);
    await page.goto(await servePage(t, parley));
    const send = async (text: string) => {
      await page.getByLabel('Message').fill(text);
      await page.getByRole('button', { name: 'Send' }).click();
    };
    const messages = page.locator('#messages p');
    await send('add 2 and 3');
    await page.getByText('The tool add answered for {"a":2,"b":3}: 5').waitFor();
    assert.deepEqual(await messages.allInnerTexts(), [
      'add 2 and 3',
      'calls add: {"a":2,"b":3}',
      'The tool add answered for {"a":2,"b":3}: 5',
    ]);
    const stop = page.getByRole('button', { name: 'Stop' });
    await stop.waitFor({ state: 'hidden' });
    await send('count to 2000');
    await page.getByText('1, 2, 3').waitFor();
    await stop.click();
    await stop.waitFor({ state: 'hidden' });
    const stopped = await messages.last().innerText();
    assert.doesNotMatch(stopped, /2000/);
    await page.reload();
    await eventually(async () => (await messages.last().innerText()) === stopped, 'the stopped answer after a reload');
  });
});

describe('the tutorials', () => {
  for (const { page, files } of [
    { page: 'tutorials/mcp-tool.md', files: ['examples/mcp-tool/dice.ts', 'examples/mcp-tool/servers_config.json'] },
  ])
    for (const file of files)
      it(`show ${file} as it is`, () => assert.ok(read(page).includes(`\n${read(file).trimEnd()}\n`)));
});
