/** Tests the schema: defaults, bounds and provider blocks. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { knownSections } from '../../src/config/schema/providers.ts';
import { configSchema } from '../../src/config/schema/schema.ts';
import { presets } from '../../src/llm/providers/presets.ts';

const bare = configSchema.parse({});

function providers(blocks: Record<string, unknown>) {
  return configSchema.parse({ llm: { providers: blocks } }).llm.providers;
}

describe('the default configuration', () => {
  test('listens on localhost, chooses the provider by its key, and keeps its log', () => {
    assert.deepEqual(
      [bare.chat.websocket.host, bare.chat.websocket.port, bare.chat.websocket.endpoint],
      ['localhost', 8000, '/ws/chat'],
    );
    assert.equal(bare.llm.active, 'auto');
    assert.deepEqual(
      [bare.repository.type, bare.repository.path, bare.repository.persistence.enabled],
      ['sql', 'events.db', true],
    );
  });

  test('keeps every conversation whole, and gives the model 28,000 tokens of it', () => {
    assert.equal(bare.repository.persistence.retention_policy, 'unlimited');
    assert.deepEqual([bare.chat.service.context.max_tokens, bare.chat.service.context.reserve_tokens], [32_000, 4_000]);
  });

  test('admits every client of this machine, and no other', () => {
    assert.deepEqual([bare.auth.mode, bare.auth.allow_anonymous_beyond_loopback], ['none', false]);
  });

  test('has the blocks and key variables of the presets, in their order', () => {
    assert.deepEqual(
      Object.entries(bare.llm.providers).map(([name, block]) => [name, block.api_key_env ?? null]),
      Object.entries(presets).map(([name, { keyVariable }]) => [name, keyVariable]),
    );
  });
});

describe('an address to listen on', () => {
  const parses = (host: string, auth: Record<string, unknown> = {}) =>
    configSchema.safeParse({ chat: { websocket: { host } }, auth }).success;

  test("needs no auth while it is this machine's own", () => {
    for (const host of ['localhost', '127.0.0.1', '127.3.2.1', '::1']) assert.ok(parses(host), host);
  });

  test('needs auth, or an explicit exception, if other machines can reach it', () => {
    for (const host of [
      '0.0.0.0',
      '::',
      '192.168.1.7',
      'chat.example',
      'localhost.example',
      '127.example',
      '::ffff:10.0.0.1',
    ]) {
      assert.ok(!parses(host), host);
      assert.ok(parses(host, { allow_anonymous_beyond_loopback: true }), host);
      assert.ok(parses(host, { mode: 'token', tokens: [{ subject: 'alice', sha256: 'a'.repeat(64) }] }), host);
    }
  });
});

describe('a provider', () => {
  test('with the name of a preset states only what differs', () => {
    const { groq } = providers({ groq: { model: 'another', temperature: 0.2 } });
    assert.deepEqual(groq, {
      base_url: 'https://api.groq.com/openai/v1',
      api_key_env: 'GROQ_API_KEY',
      model: 'another',
      temperature: 0.2,
    });
  });

  test('with the name of a preset does not send its API key to another address', () => {
    assert.equal(providers({ openai: { base_url: 'http://localhost:8080/v1' } }).openai.api_key_env, undefined);
  });

  test('at Azure uses its API key at every address of Azure, and at no other', () => {
    assert.equal(
      providers({ azure: { base_url: 'https://own.openai.azure.com', deployment: 'd' } }).azure.api_key_env,
      'AZURE_OPENAI_API_KEY',
    );
    assert.equal(
      providers({ azure: { base_url: 'https://proxy.example.com', deployment: 'd' } }).azure.api_key_env,
      undefined,
    );
  });

  test('at another address uses the API key that it names', () => {
    const block = { base_url: 'https://proxy.example.com/v1', api_key_env: 'PROXY_KEY' };
    assert.equal(providers({ openai: block }).openai.api_key_env, 'PROXY_KEY');
  });

  test('with its own name needs no API key', () => {
    const block = { base_url: 'http://localhost:8080/v1', model: 'qwen3' };
    assert.deepEqual(providers({ local: block })['local'], block);
  });

  test('passes on parameters that Parley does not know', () => {
    const block = { reasoning_effort: 'low', response_format: { type: 'json_object' }, stop: ['\n'] };
    assert.partialDeepStrictEqual(providers({ openai: block }).openai, block);
  });

  test('passes on the sections that well-known APIs have, and any section of extra_body', () => {
    const block = {
      ...Object.fromEntries(knownSections.map((name) => [name, { a: 1 }])),
      extra_body: { http_client: { a: 1 }, choice_index: 0 },
    };
    assert.partialDeepStrictEqual(providers({ openai: block }).openai, block);
  });

  test('passes on parameters of well-known APIs that are similar to its own keys', () => {
    const names = [
      'top_p',
      'top_k',
      'min_p',
      'n',
      'seed',
      'stop',
      'user',
      'store',
      'metadata',
      'models',
      'min_tokens',
      'max_completion_tokens',
      'reasoning',
      'presence_penalty',
      'logit_bias',
      'logprobs',
      'tool_choice',
      'parallel_tool_calls',
      'service_tier',
      'stream_options',
      'safety_settings',
      'provider',
      'transforms',
      'route',
      'plugins',
      'keep_alive',
      'options',
      'think',
      'enable_thinking',
      'chat_template_kwargs',
      'guided_json',
      'repetition_penalty',
      'length_penalty',
      'best_of',
      'prediction',
      'modalities',
      'audio',
      'verbosity',
      'web_search_options',
      'prompt_cache_key',
      'thinking',
      'include_reasoning',
      'reasoning_format',
      'cache_prompt',
      'id_slot',
      'typical_p',
      'ignore_eos',
      'skip_special_tokens',
      'priority',
      'prompt_logprobs',
      'truncate_prompt_tokens',
    ];
    const block = Object.fromEntries(names.map((name) => [name, 1]));
    assert.partialDeepStrictEqual(providers({ openrouter: block }).openrouter, block);
  });
});
