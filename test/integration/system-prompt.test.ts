/** Resources of MCP servers in the system prompt: what is told of them, whose contents stand there, and for how long. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { McpServer } from '@modelcontextprotocol/server';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { offerMemos } from '../support/mcp-memos.ts';
import { says } from '../support/model-replies.ts';
import { startScripted } from '../support/parley.ts';

const LOOK_AGAIN_MS = 20;
const today = { server: 'memos', uri: 'memo://today' };

interface MemosOptions {
  era?: 'sessions' | 'stateless';
  /** It tells when a resource changes. */
  tells?: boolean;
  inPrompt?: Record<string, unknown>;
}

async function startMemos(test: TestContext, { era = 'stateless', tells = false, inPrompt = {} }: MemosOptions = {}) {
  const reads: string[] = [];
  const servers: McpServer[] = [];
  let subscriptions = 0;
  const memos = await startHttpServer({
    era,
    offer(server) {
      servers.push(server);
      offerMemos(server, (uri) => `Buy bread, read ${reads.push(uri)}.`);
      if (!tells) return;
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
    mcpServers: { memos: { url: memos.url } },
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
  const tellChange = async () => {
    if (era === 'stateless') memos.announce.resourceUpdated(today.uri);
    else await servers.at(-1)?.server.sendResourceUpdated({ uri: today.uri });
  };
  return { prompt, reads, tellChange, subscriptions: () => subscriptions };
}

test('by default resources are named and described, and none is read', async (t) => {
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

test('as many are named as the configuration has it, or none', async (t) => {
  const { prompt } = await startMemos(t, { inPrompt: { max_listed: 0 } });
  assert.equal((await prompt('Hi')).system, 'Be kind.');
});

test('contents that are asked for stand there; one that cannot be read is left out, and said once a turn', async (t) => {
  const contents = [today, { server: 'memos', uri: 'memo://broken' }, { server: 'nobody', uri: 'memo://x' }];
  const { prompt } = await startMemos(t, { inPrompt: { max_listed: 0, contents } });
  const { notices, system } = await prompt('Hi');
  assert.equal(system, 'Be kind.\n\n[resource: memo://today]\nBuy bread, read 1.');
  assert.deepEqual(notices.length, 2);
  assert.match(notices[0] ?? '', /memo:\/\/broken of "memos".*left out: .*refused/);
  assert.match(notices[1] ?? '', /memo:\/\/x of "nobody".*no MCP server/);
});

describe('contents are read anew', () => {
  test('for each request, where the server does not tell of changes', async (t) => {
    const { prompt, reads } = await startMemos(t, { inPrompt: { max_listed: 0, contents: [today] } });
    await prompt('Hi');
    assert.match(String((await prompt('Again')).system), /read 2\.$/);
    assert.equal(reads.length, 2);
  });

  for (const [era, told] of [
    ['sessions', '2025-11-25'],
    ['stateless', '2026-07-28'],
  ] as const) {
    test(`when a server of ${told} says so, and not before`, async (t) => {
      const { prompt, reads, tellChange, subscriptions } = await startMemos(t, {
        era,
        tells: true,
        inPrompt: { max_listed: 0, contents: [today] },
      });
      await prompt('Hi');
      await prompt('Again');
      assert.equal(reads.length, 1, 'kept');
      await tellChange();
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
