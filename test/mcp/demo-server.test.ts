/** Tests the bundled MCP server over stdio, as any host would use it. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { loadServers } from '../../src/mcp/config/servers-config.ts';
import { startMcpServers } from '../support/mcp-servers.ts';

describe('the bundled demo server with the shipped configuration', () => {
  const root = mkdtempSync(join(tmpdir(), 'parley-demo-'));
  let box: Awaited<ReturnType<typeof startMcpServers>>;
  const say = async (tool: string, args: Record<string, unknown>) => {
    const end = await box.call(tool, args);
    return [end.status, 'text' in end ? end.text : ''];
  };

  before(async () => {
    mkdirSync(join(root, 'inner'));
    writeFileSync(join(root, 'note.txt'), '');
    symlinkSync(tmpdir(), join(root, 'outside'));
    symlinkSync(join(root, 'inner'), join(root, 'alias'));
    const servers = loadServers(join(import.meta.dirname, '../../config/servers_config.json'), {});
    box = await startMcpServers(
      servers.map((server) => (server.kind === 'stdio' ? { ...server, env: { PARLEY_DEMO_ROOT: root } } : server)),
    );
    await box.host.settled();
  });

  after(async () => {
    await box.stop();
    rmSync(root, { recursive: true });
  });

  test('offers its tools, all of them idempotent', () => {
    assert.deepEqual(
      box.host.tools().map(({ name, idempotent }) => [name, idempotent]),
      [
        ['add', true],
        ['current_time', true],
        ['word_count', true],
        ['list_folder', true],
      ],
    );
  });

  test('adds, returns the time and counts words', async () => {
    assert.deepEqual(await say('add', { a: 2, b: 3 }), ['ok', '5']);
    assert.deepEqual(await say('word_count', { text: 'one two\nthree' }), ['ok', '3 words, 13 characters, 2 lines']);
    assert.match(
      (await say('current_time', { timezone: 'Europe/Vienna' })).join(' '),
      /^ok .*\d{4} at \d{2}:\d{2}:\d{2}/,
    );
    assert.equal((await say('current_time', { timezone: 'Nowhere/At_All' }))[0], 'error');
  });

  test('lists folders below its root and nothing else', async () => {
    assert.deepEqual(await say('list_folder', { path: '.' }), ['ok', 'alias\ninner/\nnote.txt\noutside']);
    assert.deepEqual(await say('list_folder', { path: 'alias' }), ['ok', '[empty]']);
    for (const path of ['..', '../..', '/', tmpdir(), 'outside', 'outside/x', 'note.txt', 'missing']) {
      assert.deepEqual(await say('list_folder', { path }), [
        'error',
        `No folder "${path}" exists below the root of this server.`,
      ]);
    }
    assert.deepEqual(await say('list_folder', { path: '\0' }), [
      'error',
      'No folder "" exists below the root of this server.',
    ]);
  });
});
