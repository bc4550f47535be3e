/**
 * Checks that content and tools reach only those for whom their server means them: `audience` annotations in results,
 * prompts and lists of resources, and tools of MCP Apps that are not for the model.
 */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { toolResultsIn } from '../support/interrupts.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { readAll, startTyped } from '../support/typed-client.ts';

const noArguments = z.object({});
const text = (words: string, audience?: ('user' | 'assistant')[]) => ({
  type: 'text' as const,
  text: words,
  ...(audience === undefined ? {} : { annotations: { audience } }),
});

function offer(server: McpServer): void {
  server.registerTool('mixed', { inputSchema: noArguments }, () => ({
    content: [text('for both'), text('for people', ['user']), text('for the model', ['assistant'])],
  }));
  server.registerTool('shown', { inputSchema: noArguments }, () => ({ content: [text('for people', ['user'])] }));
  server.registerTool('page_only', { inputSchema: noArguments, _meta: { ui: { visibility: ['app'] } } }, () => ({
    content: [text('clicked')],
  }));
  server.registerTool(
    'model_too',
    { inputSchema: noArguments, _meta: { ui: { visibility: ['model', 'app'] } } },
    () => ({ content: [text('clicked')] }),
  );
  server.registerPrompt('ask', {}, () => ({
    messages: [
      { role: 'user', content: text('a hint for people', ['user']) },
      { role: 'user', content: text('the question') },
    ],
  }));
  server.registerResource('manual', 'memo://manual', { annotations: { audience: ['user'] } }, ({ href }) => ({
    contents: [{ uri: href, text: 'Press the button.' }],
  }));
  server.registerResource('notes', 'memo://notes', {}, ({ href }) => ({ contents: [{ uri: href, text: 'None.' }] }));
}

async function startAudience(test: TestContext) {
  const server = await startHttpServer({ era: 'stateless', offer });
  test.after(server.stop);
  return startTyped(test, { mcpServers: { things: { url: server.url } } });
}

/** What the client and the model get of a call. */
async function resultsOf(test: TestContext, name: string) {
  const { model, client } = await startAudience(test);
  model.script(asks([{ name }]), says('I see.'));
  const chunks = await readAll(client.chat('go'));
  return {
    client: toolResultsIn(chunks)[0]?.data,
    model: model.requests.at(-1)?.body.messages.findLast(({ role }) => role === 'tool')?.content,
  };
}

describe('content of a result', () => {
  it('reaches the user or the model alone if its audience says so', async (t) => {
    assert.deepEqual(await resultsOf(t, 'mixed'), {
      client: 'for both\nfor people',
      model: 'for both\nfor the model',
    });
  });

  it('for the user alone leaves the model a sentence that says so', async (t) => {
    assert.deepEqual(await resultsOf(t, 'shown'), {
      client: 'for people',
      model: '[the tool returned only content for the user, who has it]',
    });
  });
});

describe('a tool of an MCP App', () => {
  it('is offered to the model unless only the page may call it', async (t) => {
    const { model, client } = await startAudience(t);
    await client.chat('go').end;
    const offered = (model.requests.at(-1)?.body.tools ?? []).map((tool) => tool.function.name);
    assert.deepEqual(
      offered.filter((name) => ['page_only', 'model_too'].includes(name)),
      ['model_too'],
    );
  });
});

describe('a prompt and a list of resources', () => {
  it('give the model nothing that is for the user alone', async (t) => {
    const { model, client } = await startAudience(t);
    await client.chat(null, { prompt: { server: 'things', name: 'ask' } }).end;
    const [system, ...messages] = model.requests.at(-1)?.body.messages ?? [];
    assert.deepEqual(
      messages.map(({ content }) => content),
      ['the question'],
    );
    assert.match(String(system?.content), /memo:\/\/notes/);
    assert.doesNotMatch(String(system?.content), /memo:\/\/manual/);
  });
});
