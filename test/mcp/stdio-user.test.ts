/** Tests stdio servers that run as another user, who cannot read the files or the environment of Parley. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadServers } from '../../src/mcp/config/servers-config.ts';
import { createMessageReader } from '../../src/mcp/lenient/message-reader.ts';
import { createStdioTransport } from '../../src/mcp/transport/stdio-transport.ts';

const isRoot = process.geteuid?.() === 0;

function load(block: Record<string, unknown>) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-user-'));
  const file = join(folder, 'servers.json');
  writeFileSync(file, JSON.stringify({ mcpServers: { one: block } }));
  try {
    return loadServers(file, {})[0];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('uid and gid of a server', () => {
  test('are both needed, and neither may be root', () => {
    assert.throws(() => load({ command: 'true', uid: 65534 }), /expected "uid" and "gid" together/);
    assert.throws(() => load({ command: 'true', gid: 65534 }), /expected "uid" and "gid" together/);
    assert.throws(() => load({ command: 'true', uid: 0, gid: 65534 }), /not root/);
  });

  test('are refused unless Parley runs as root', { skip: process.seteuid === undefined || !isRoot }, () => {
    process.seteuid?.(65534);
    try {
      assert.throws(() => load({ command: 'true', uid: 65534, gid: 65534 }), /only root may start a program/);
    } finally {
      process.seteuid?.(0);
    }
  });

  test(
    'start the program as that user, without groups, who cannot read the environment of Parley',
    {
      skip: !isRoot && 'only root may start a program as another user',
    },
    async () => {
      const script = `id -u; id -G; cat /proc/${process.pid}/environ 2>/dev/null && echo readable`;
      const server = load({ command: '/bin/sh', args: ['-c', `(${script}) >&2`], cwd: '/', uid: 65534, gid: 65533 });
      assert.ok(server?.kind === 'stdio');
      const lines: string[] = [];
      const transport = createStdioTransport(server, {
        reaper: { watch() {}, release() {}, close() {} },
        reader: createMessageReader(() => {}),
        output: (line) => lines.push(line),
        maxMessageBytes: 65_536,
        closeGraceMs: 1000,
      });
      const { promise: closed, resolve } = Promise.withResolvers<void>();
      transport.onclose = resolve;
      await transport.start();
      await closed;
      assert.deepEqual(lines, ['65534', '65533']);
    },
  );
});
