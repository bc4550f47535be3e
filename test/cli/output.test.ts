/** Tests the output of commands: readers that close early, slow readers, and full disks. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { createTempHome } from '../support/temp-home.ts';
import { connectClient } from '../support/typed-client.ts';
import { begin, owner, row, sandbox } from '../store/support.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const rows = 4000;

/** A conversation whose replay is larger than any pipe holds. */
async function largeConversation(t: TestContext): Promise<{ folder: string; config: string }> {
  const { path, open } = sandbox(t);
  const { store, append } = await open();
  await append(begin('c', 'r1'));
  await append({
    conversationId: 'c',
    owner,
    rows: Array.from({ length: rows - 1 }, () =>
      row({ type: 'assistant_message', role: 'assistant', content: 'Hi', request_id: 'r1' }),
    ),
  });
  await store.close();
  const folder = dirname(path);
  const config = join(folder, 'config.yaml');
  writeFileSync(config, `repository:\n  path: ${path}\n`);
  return { folder, config };
}

describe('the output of a command', () => {
  for (const args of [['replay', 'c'], ['--help'], ['token', 'alice'], ['check'], ['backup', 'copy.db']]) {
    it(`ends quietly when the reader of ${args[0]} has gone`, async (t) => {
      const { folder, config } = await largeConversation(t);
      const child = spawn(
        process.execPath,
        [main, ...args, ...(['token', '--help'].includes(args[0] ?? '') ? [] : ['--config', config])],
        { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
      );
      // Closed before anything is written, as `| true` does.
      child.stdout.destroy();
      const stderr = readText(child.stderr);
      const [code] = await once(child, 'exit');
      assert.deepEqual([code, await stderr], [0, '']);
    });
  }

  it('ends quietly when its reader leaves in the middle, as head does', async (t) => {
    const { folder, config } = await largeConversation(t);
    const child = spawn(process.execPath, [main, 'replay', 'c', '--config', config], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.once('data', () => child.stdout.destroy());
    const stderr = readText(child.stderr);
    const [code] = await once(child, 'exit');
    assert.deepEqual([code, await stderr], [0, '']);
  });

  it('reaches a slow reader whole', async (t) => {
    const { folder, config } = await largeConversation(t);
    const child = spawn(process.execPath, [main, 'replay', 'c', '--config', config], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let lines = 0;
    let chunks = 0;
    for await (const chunk of child.stdout) {
      lines += String(chunk).split('\n').length - 1;
      chunks += 1;
      await pause(10);
    }
    assert.ok(chunks > 2, 'it was too large for one read');
    assert.equal(lines, rows * 2, 'two lines a row');
  });

  it('reports a full disk in one sentence', { skip: process.platform !== 'linux' }, async (t) => {
    const { folder, config } = await largeConversation(t);
    const child = spawn(process.execPath, [main, 'replay', 'c', '--config', config], {
      cwd: folder,
      stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
    });
    assert.ok(child.stderr);
    const stderr = readText(child.stderr);
    const [code] = await once(child, 'exit');
    assert.equal(code, 1);
    assert.match(await stderr, /^The output could not be written: .*\.\n$/);
  });
});

describe('a server', () => {
  it('serves on when the readers of its first line and of its log have gone', async (t) => {
    for (const format of ['json', 'pretty']) {
      const home = await createTempHome(t, { config: { logging: { format } } });
      const server = home.start();
      const client = connectClient(t, await server.listening);
      server.closeOutput();
      for (const text of ['one', 'two', 'three']) await client.chat(text).end;
      client.close();
      server.kill('SIGTERM');
      assert.deepEqual(await server.exited, { code: 0, signal: null }, format);
    }
  });
});
