/**
 * Checks resources of MCP servers in the system prompt: which are listed, which are read, and when they are read again.
 */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { McpServer } from '@modelcontextprotocol/server';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { offerMemos } from '../support/mcp-memos.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { startScripted } from '../support/parley.ts';

const LOOK_AGAIN_MS = 20;
const today = { server: 'memos', uri: 'memo://today' };

interface MemosOptions {
  era?: 'sessions' | 'stateless';
  /** The server notifies when a resource changes. */
  notifies?: boolean;
  inPrompt?: Record<string, unknown>;
  /** Further keys of the server's block. */
  block?: Record<string, unknown>;
  /** Registers more on the server. */
  offer?: (server: McpServer) => void;
}

async function startMemos(
  test: TestContext,
  { era = 'stateless', notifies = false, inPrompt = {}, block = {}, offer: offerMore }: MemosOptions = {},
) {
  const reads: string[] = [];
  const servers: McpServer[] = [];
  let subscriptions = 0;
  const memos = await startHttpServer({
    era,
    offer(server) {
      servers.push(server);
      offerMemos(server, (uri) => `Buy bread, read ${reads.push(uri)}.`);
      offerMore?.(server);
      if (!notifies) return;
      server.server.registerCapabilities({ resources: { subscribe: true } });
      if (era === 'sessions') {
        server.server.setRequestHandler('resources/subscribe', () => {
          subscriptions += 1;
          return {};
        });
      }
    },
  });
  test.after(memos.stop);
  const scripted = await startScripted(test, {
    mcpServers: { memos: { url: memos.url, ...block } },
    config: { chat: { service: { system_prompt: 'Be kind.' } }, mcp: { resources_in_prompt: inPrompt } },
  });
  const prompt = async (text: string) => {
    scripted.model.script(says('Yes.'));
    const turn = await scripted.client.chat(text, { conversation_id: 'c1' });
    const notices = turn.frames.flatMap(({ chunk }) =>
      chunk?.['kind'] === 'resource_unavailable' ? [chunk.data ?? ''] : [],
    );
    return {
      notices: notices.toSorted(),
      system: scripted.model.requests.at(-1)?.body.messages.find(({ role }) => role === 'system')?.content,
    };
  };
  const notifyChange = async () => {
    if (era === 'stateless') memos.announce.resourceUpdated(today.uri);
    else await servers.at(-1)?.server.sendResourceUpdated({ uri: today.uri });
  };
  return { ...scripted, prompt, reads, notifyChange, subscriptions: () => subscriptions };
}

test('by default the system prompt lists resources with their descriptions, and reads none', async (t) => {
  const { prompt, reads } = await startMemos(t);
  assert.deepEqual(await prompt('Hi'), {
    notices: [],
    system: [
      'Be kind.',
      '',
      'Resources that the user can include in a message; their contents are not shown here:',
      '- memo://today (memos): today. What is to be done.',
      '- memo://picture (memos): picture',
      '- memo://broken (memos): broken',
    ].join('\n'),
  });
  assert.deepEqual(reads, []);
});

test('the system prompt lists as many resources as configured, or none', async (t) => {
  const { prompt } = await startMemos(t, { inPrompt: { max_listed: 0 } });
  assert.equal((await prompt('Hi')).system, 'Be kind.');
});

test('configured contents are in the system prompt; the turn gets one notice about a resource that cannot be read', async (t) => {
  const contents = [today, { server: 'memos', uri: 'memo://broken' }, { server: 'unknown', uri: 'memo://x' }];
  const { prompt } = await startMemos(t, { inPrompt: { max_listed: 0, contents } });
  const { notices, system } = await prompt('Hi');
  assert.equal(system, 'Be kind.\n\n[resource: memo://today]\nBuy bread, read 1.');
  assert.deepEqual(notices.length, 2);
  assert.match(notices[0] ?? '', /memo:\/\/broken of "memos".*left out: .*refused/);
  assert.match(notices[1] ?? '', /memo:\/\/x of "unknown".*No MCP server/);
});

describe('the contents of resources are read again', () => {
  test('for each request, if the server sends no notifications of changes', async (t) => {
    const { prompt, reads } = await startMemos(t, { inPrompt: { max_listed: 0, contents: [today] } });
    await prompt('Hi');
    assert.match(String((await prompt('Again')).system), /read 2\.$/);
    assert.equal(reads.length, 2);
  });

  for (const [era, revision] of [
    ['sessions', '2025-11-25'],
    ['stateless', '2026-07-28'],
  ] as const) {
    test(`only after a notification of a server of ${revision}`, async (t) => {
      const { prompt, reads, notifyChange, subscriptions } = await startMemos(t, {
        era,
        notifies: true,
        inPrompt: { max_listed: 0, contents: [today] },
      });
      await prompt('Hi');
      await prompt('Again');
      assert.equal(reads.length, 1, 'kept');
      await notifyChange();
      while (reads.length === 1) {
        await prompt('And now?');
        await pause(LOOK_AGAIN_MS);
      }
      assert.match(String((await prompt('Still?')).system), /read 2\.$/);
      assert.equal(reads.length, 2);
      assert.equal(subscriptions(), era === 'sessions' ? 1 : 0, 'one subscription, in the way of its revision');
    });
  }
});

test('a resource that is kept needs no place among the calls of its server', async (t) => {
  const called = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  t.after(() => held.resolve());
  const { client, model, prompt, reads } = await startMemos(t, {
    notifies: true,
    block: { max_concurrent: 1 },
    inPrompt: { max_listed: 0, contents: [today] },
    offer: (server) =>
      server.registerTool('hold_on', { annotations: { readOnlyHint: true } }, async () => {
        called.resolve();
        await held.promise;
        return { content: [] };
      }),
  });
  await prompt('Hi');
  model.script(asks([{ name: 'hold_on', arguments: {} }]), says('Done.'));
  const holding = client.chat('Hold', { conversation_id: 'c2' });
  await called.promise;
  const { notices, system } = await prompt('Again');
  assert.deepEqual([notices, String(system).includes('read 1.'), reads.length], [[], true, 1]);
  held.resolve();
  await holding;
});
