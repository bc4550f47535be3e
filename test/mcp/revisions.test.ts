/** Tests every revision of the protocol from 2024-11-05 on, over both transports. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { ServerBlock } from '../../src/mcp/config/server-block.ts';
import { startPagedServer } from '../support/mcp-http-server.ts';
import { httpServer, startMcpServers, stdioServer } from '../support/mcp-servers.ts';

const revisions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'];

const program = (revision: string): ServerBlock => ({
  ...stdioServer('paged', { TEST_REVISION: revision }),
  args: [join(import.meta.dirname, '../support/mcp-paged-program.ts')],
  protocol: 'legacy_first',
});

const site = async (revision: string, t: TestContext): Promise<ServerBlock> => {
  const server = await startPagedServer(revision);
  t.after(server.stop);
  return httpServer('paged', server.url);
};

for (const [transport, serve] of [
  ['stdio', program],
  ['HTTP', site],
] as const) {
  for (const revision of revisions) {
    describe(`a server of ${revision} over ${transport}`, () => {
      test('negotiates, lists all pages, reports progress, and has its catalogue replaced as a whole', async (t) => {
        const box = await startMcpServers([await serve(revision, t)]);
        t.after(box.stop);
        await box.host.settled();
        assert.deepEqual(
          box.host.statuses().map(({ state, protocol, error }) => [state, protocol, error]),
          [['ready', revision, null]],
        );
        const first = box.host.tools();
        assert.deepEqual(
          first.map(({ name }) => name),
          ['one', 'two', 'grow'],
        );

        const steps: number[] = [];
        const end = await box.call('two', {}, { onProgress: ({ progress }) => steps.push(progress) });
        assert.deepEqual([end.status, 'text' in end && end.text, steps], ['ok', 'two', [1]]);

        const longer = Promise.withResolvers<void>();
        const subscription = box.actor('paged').subscribe(() => box.host.tools() !== first && longer.resolve());
        await box.call('grow');
        await longer.promise;
        subscription.unsubscribe();
        assert.deepEqual(
          box.host.tools().map(({ name }) => name),
          ['one', 'two', 'grow', 'grown0'],
        );
        assert.deepEqual(
          first.map(({ name }) => name),
          ['one', 'two', 'grow'],
          'a hop that has pinned the list keeps it',
        );
      });
    });
  }
}

test('a server with an endless list of tools fails', async (t) => {
  const server = await startPagedServer('2025-11-25', { endless: true });
  t.after(server.stop);
  const box = await startMcpServers([httpServer('paged', server.url)], { maxReconnectAttempts: 0 });
  t.after(box.stop);
  await box.reaches('paged', 'failed');
  assert.match(box.host.statuses()[0]?.error ?? '', /pagination did not terminate/);
});
