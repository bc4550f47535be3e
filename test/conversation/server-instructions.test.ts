/**
 * Checks the instructions of MCP servers in the system prompt: by both handshakes, sanitized, cut, and left out with the
 * server's tools.
 */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { says } from '../support/model/replies.ts';
import { startScripted } from '../support/parley.ts';

interface Options {
  era?: 'sessions' | 'stateless';
  instructions?: string;
  limits?: Record<string, unknown>;
  tools?: Record<string, unknown>;
}

/** Returns the system prompt of one turn with the server `files`. */
async function promptWith(
  test: TestContext,
  { era = 'stateless', instructions = 'Call count first.', limits = {}, tools = {} }: Options,
): Promise<unknown> {
  const files = await startHttpServer({ era, instructions });
  test.after(files.stop);
  const { model, client } = await startScripted(test, {
    mcpServers: { files: { url: files.url } },
    config: { chat: { service: { system_prompt: 'Be kind.', tools } }, mcp: { limits } },
  });
  model.script(says('Yes.'));
  await client.chat('Hi', { conversation_id: 'c1' });
  return model.requests.at(-1)?.body.messages[0]?.content;
}

const HEAD = 'Instructions of the MCP server "files" for the use of its own tools and resources:';

describe('the instructions of a server', () => {
  for (const era of ['sessions', 'stateless'] as const) {
    it(`are in the system prompt below its name (${era})`, async (t) => {
      assert.equal(await promptWith(t, { era }), `Be kind.\n\n${HEAD}\nCall count first.`);
    });
  }

  it('lose characters that hide text, and what is above the limit', async (t) => {
    const prompt = await promptWith(t, {
      instructions: `\u202eCall\u0007 ${'x'.repeat(50)}`,
      limits: { max_instructions_length: 10 },
    });
    assert.equal(prompt, `Be kind.\n\n${HEAD}\nCall xxxxx`);
  });

  it('are left out with a limit of 0', async (t) => {
    assert.equal(await promptWith(t, { limits: { max_instructions_length: 0 } }), 'Be kind.');
  });

  it('are left out if no tool of the server is offered', async (t) => {
    assert.equal(await promptWith(t, { tools: { permission: { files: 'never' } } }), 'Be kind.');
  });
});
