/** Tests that a server with nulls for absent members is used in full, over each transport. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { serveJson } from '../../support/mcp-json-server.ts';
import { answerWithNulls } from '../../support/mcp-null-server.ts';
import { openMcpServers } from '../../support/mcp-open.ts';
import { httpServer, stdioServer } from '../../support/mcp-servers.ts';

const transports = {
  stdio: async () => ({
    ...stdioServer('one'),
    args: [join(import.meta.dirname, '../../support/mcp-null-server.ts')],
  }),
  'HTTP with JSON': async (t: TestContext) => httpServer('one', await serveJson(t, answerWithNulls)),
  'HTTP with event streams': async (t: TestContext) =>
    httpServer('one', await serveJson(t, answerWithNulls, { asEvents: true })),
};

for (const [transport, block] of Object.entries(transports)) {
  describe(`a server with nulls, over ${transport},`, () => {
    it('is used in full, and the log names what is left out', async (t) => {
      const box = await openMcpServers(t, [await block(t)]);
      const { promptsAndResources: offers } = box.host;

      assert.deepEqual(
        box.host.tools().map(({ name }) => name),
        ['act'],
      );
      const end = await box.call('act');
      assert.deepEqual(
        [end.status, 'text' in end && end.text],
        ['ok', 'acted\n[content that Parley cannot read: {"type":"widget"}]'],
      );
      assert.deepEqual(
        (await Promise.all([offers.prompts(), offers.resources(), offers.templates()])).map((list) =>
          list.map(({ name }) => name),
        ),
        [['good'], ['good'], ['good']],
      );
      assert.deepEqual(await offers.read('one', 'x://good'), [
        { uri: 'x://good', mimeType: null, text: 'read', blob: null },
      ]);
      const filled = await offers.fill('one', 'good', {});
      assert.deepEqual('messages' in filled && filled.messages.map(({ text }) => text), ['filled']);
      for (const noun of ['tool', 'prompt', 'resource', 'resource template'])
        assert.ok(
          box.lines.includes(`one: the ${noun} number 2 is not offered: its definition violates the protocol`),
          box.lines.join('\n'),
        );
    });

    it('passes its health checks', async (t) => {
      const box = await openMcpServers(t, [await block(t)], { healthIntervalMs: 20, pingTimeoutMs: 10_000 });
      const states = new Set<string>();
      const checked = Promise.withResolvers<void>();
      let checks = 0;
      box.actor('one').subscribe(({ value }) => {
        states.add(JSON.stringify(value));
        if (JSON.stringify(value).includes('checking')) checks += 1;
        if (checks === 3) checked.resolve();
      });
      await checked.promise;
      assert.deepEqual([...states].sort(), ['{"open":{"ready":"checking"}}', '{"open":{"ready":"healthy"}}']);
    });
  });
}
