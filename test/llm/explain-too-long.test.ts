/** Checks which parts the error of a request that is too long lists, and what it says to do. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ContextSizes } from '../../machines/context-window/context-sizes.ts';
import { chooseProviders } from '../../src/llm/providers/choose-providers.ts';
import { explainTooLong } from '../../src/llm/stream/explain-too-long.ts';

const sizes: ContextSizes = {
  system: 10,
  tools: { count: 2, tokens: 20, largestServer: 'files', largestTool: null },
  message: 30,
  result: { tool: 'read', tokens: 40 },
  rest: 50,
};

const providerWith = (block: object) => {
  const [provider] = chooseProviders({
    active: 'own',
    fallback: [],
    providers: { own: { base_url: 'https://model.example/v1', model: 'm', ...block } },
    env: {},
  });
  assert.ok(provider);
  return provider;
};
const explain = (changes: Partial<ContextSizes>, block: object = {}) =>
  explainTooLong(providerWith(block), 'm', { ...sizes, ...changes });

describe('the error of a request that is too long', () => {
  it('lists all parts by size, and what to do about the largest', () => {
    assert.equal(
      explain({}),
      'reports that the request is too long for "m": about 150 tokens (50 in other messages; 40 in a result of the tool "read"; 30 in the message; 20 in the schemas of 2 tools, most of the server "files"; 10 in the system prompt); start a new conversation, or lower chat.service.context.max_tokens',
    );
  });

  it('names the one tool that is larger than all others', () => {
    const tools = { count: 3, tokens: 9_000, largestServer: 'files', largestTool: 'huge' };
    assert.match(explain({ tools }), /9000 in the schemas of 3 tools, most of the tool "huge".*\); offer fewer tools/);
  });

  it('leaves out parts without tokens', () => {
    const tools = { count: 0, tokens: 0, largestServer: null, largestTool: null };
    assert.doesNotMatch(explain({ tools, result: null }), /schemas|result/);
  });

  it('names the key of an answer that is the largest part', () => {
    assert.match(explain({}, { max_tokens: 8_000 }), /\(8000 reserved .*\); lower llm\.providers\.own\.max_tokens, or/);
    assert.match(
      explain({}, { max_tokens: 8_000, model_parameters: { m: { max_tokens: null, max_completion_tokens: 9_000 } } }),
      /\(9000 .*lower llm\.providers\.own\.model_parameters\.m\.max_completion_tokens/,
    );
  });

  it('says what to do also if the sizes are unknown', () => {
    assert.match(explainTooLong(providerWith({}), 'm', null), /lower chat\.service\.context\.max_tokens or shorten/);
  });
});
