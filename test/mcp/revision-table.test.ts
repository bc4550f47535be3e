/** Plays every row of the revision table against a real server of that revision. docs/reference/mcp.md shows the same table. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { SamplingPolicy } from '../../src/mcp/server-requests/client-features.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { createSampler } from '../support/mcp-sampler.ts';
import { httpServer, startMcpServers } from '../support/mcp-servers.ts';
import { revisionTable, type Scene } from './revision-table.ts';
import { REVISIONS, isOf, isStateless, type Revision } from './revisions.ts';
import { transportTable } from './transport-table.ts';

async function startScene(t: TestContext, revision: Revision): Promise<Scene> {
  const era = isStateless(revision) ? 'stateless' : 'sessions';
  const sampler = createSampler(era);
  const server = await startHttpServer({ era, offer: sampler.offer });
  t.after(server.stop);
  const sampling: SamplingPolicy = {
    permission: 'always',
    maxTokens: 100,
    requestsPerCall: 1,
    sample: async () => ({ text: 'Short.', model: 'sampled', stopReason: 'endTurn' }),
  };
  const box = await startMcpServers([httpServer('web', server.url, { revision })], {
    answers: { roots: ['/srv/shared'], sampling },
  });
  t.after(box.stop);
  await box.host.settled();
  assert.equal(box.host.statuses()[0]?.state, 'ready', box.host.statuses()[0]?.error ?? '');
  return { revision, server, sampler, box };
}

for (const revision of REVISIONS) {
  describe(`at ${revision} there is`, () => {
    for (const { transport, start, ...span } of transportTable) {
      if (!isOf(span, revision)) continue;
      test(transport, async (t) => {
        const box = await startMcpServers([await start(t, revision)]);
        t.after(box.stop);
        await box.host.settled();
        const [tool] = box.host.tools();
        assert.equal((await box.call(tool?.name ?? 'none')).status, 'ok');
      });
    }
    for (const { title, rows } of revisionTable) {
      for (const row of rows.filter((each) => isOf(each, revision))) {
        test(`${title.toLowerCase()}: ${row.feature}`, async (t) => row.play(await startScene(t, revision)));
      }
    }
  });
}
