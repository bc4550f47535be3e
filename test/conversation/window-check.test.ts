/** Checks the warnings at the start about a context window with too little room: for tools, and for messages. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createWindowCheck, type WindowCheckOptions } from '../../src/conversation/window-check.ts';
import { eventually } from '../support/eventually.ts';
import { languageModelAt } from '../support/model/ask.ts';
import type { Tool } from '../../src/mcp/port.ts';

const tool = (server: string, index: number): Tool => ({
  name: `${server}_${index}`,
  server,
  toolName: String(index),
  description: 'x'.repeat(400),
  inputSchema: {},
  idempotent: false,
  definition: '',
  title: null,
  annotations: {},
  effect: 'read_only',
  blockPermission: null,
  timeoutMs: null,
});
const toolsOf = (server: string, count: number) => Array.from({ length: count }, (_, index) => tool(server, index));

/** The warnings of a start, and of the check after `change`. */
async function warningsOf(options: Partial<WindowCheckOptions>, block: object = {}, change = () => {}) {
  const warnings: object[] = [];
  const errors: unknown[] = [];
  let settled = 0;
  const tools = options.mcpServers?.tools ?? (() => []);
  const check = createWindowCheck({
    model: languageModelAt('http://127.0.0.1:1', {
      providers: { scripted: { base_url: 'http://127.0.0.1:1', model: 'm', ...block } },
    }),
    policy: {
      repeat: {},
      permission: {},
      permissionByHint: { read_only: 'always', additive: 'always', destructive: 'always' },
    },
    maxTokens: 8_192,
    reserveTokens: 1_000,
    systemPrompt: 'Be kind.',
    countTokens: (text) => Math.ceil(text.length / 4),
    log: { warn: (facts: object) => void warnings.push(facts) },
    onError: (error) => void errors.push(error),
    ...options,
    mcpServers: { tools, settled: async () => void (settled += 1) },
  });
  check.check();
  await eventually(() => settled === 1, 'the first check');
  change();
  check.check();
  await eventually(() => settled === 2, 'the second check');
  // A check counts without a thread here, so it ends within a turn of the event loop.
  await new Promise(setImmediate);
  assert.deepEqual(errors, []);
  return warnings;
}

describe('the check of the context window', () => {
  it('reports nothing if all fits', async () => {
    assert.deepEqual(await warningsOf({ mcpServers: { tools: () => toolsOf('a', 10), settled: async () => {} } }), []);
  });

  it('leaves out the tools beyond the number that the provider takes', async () => {
    const tools = () => toolsOf('a', 90);
    assert.deepEqual(await warningsOf({ mcpServers: { tools, settled: async () => {} } }, { max_tools: 3 }), []);
  });

  it('names the keys, the servers and the numbers of tools that do not fit, once', async () => {
    const tools = [...toolsOf('a', 60), ...toolsOf('b', 30), ...toolsOf('c', 2)];
    const warnings = await warningsOf({ mcpServers: { tools: () => tools, settled: async () => {} } });
    assert.equal(warnings.length, 1);
    assert.partialDeepStrictEqual(warnings[0], {
      provider: 'scripted',
      model: 'm',
      'chat.service.context.max_tokens': 8_192,
      'chat.service.context.reserve_tokens': 1_000,
    });
    assert.deepEqual(Object.keys(Object.values(warnings[0] ?? {})[2]), ['a', 'b']);
  });

  it('reports a longer list later', async () => {
    let tools = toolsOf('a', 10);
    const warnings = await warningsOf({ mcpServers: { tools: () => tools, settled: async () => {} } }, {}, () => {
      tools = toolsOf('a', 100);
    });
    assert.equal(warnings.length, 1);
  });

  it('reports nothing about tools that the configuration hides, or that the model does not get', async () => {
    const mcpServers = { tools: () => toolsOf('a', 100), settled: async () => {} };
    const permissionByHint = { read_only: 'never', additive: 'never', destructive: 'never' } as const;
    assert.deepEqual(await warningsOf({ mcpServers, policy: { repeat: {}, permission: {}, permissionByHint } }), []);
    assert.deepEqual(await warningsOf({ mcpServers }, { tools: 'never' }), []);
  });

  for (const [where, block, key] of [
    ['the block', { max_tokens: 8_000 }, 'llm.providers.scripted.max_tokens'],
    [
      'the parameters of the model',
      { max_tokens: 10, model_parameters: { m: { max_completion_tokens: 8_000 } } },
      'llm.providers.scripted.model_parameters.m.max_completion_tokens',
    ],
  ] as const) {
    it(`names an answer that may fill the window, stated in ${where}`, async () => {
      assert.deepEqual(await warningsOf({}, block), [
        { provider: 'scripted', model: 'm', [key]: 8_000, 'chat.service.context.max_tokens': 8_192 },
      ]);
    });
  }

  it('accepts an answer that leaves room', async () => {
    assert.deepEqual(await warningsOf({}, { max_tokens: 6_000 }), []);
  });
});
