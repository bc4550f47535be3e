/** Checks the limits that providers name when a request is too long, in the sentences of each provider. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readNamedLimit, type NamedLimit } from '../../src/llm/stream/context-limit.ts';
import { classify, readProviderError } from '../../src/llm/stream/provider-error.ts';

type Row = [speaker: string, message: string, limit: NamedLimit | null, more?: { status?: number; fields?: object }];

const rows: Row[] = [
  [
    'OpenAI and Azure, messages',
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 8227 tokens. Please reduce the length of the messages.",
    { limit: 8192, input: 8227 },
  ],
  [
    'OpenAI and Azure, functions',
    "This model's maximum context length is 4097 tokens. However, your messages resulted in 4238 tokens (4143 in the messages, 95 in the functions). Please reduce the length of the messages or functions.",
    { limit: 4097, input: 4238 },
  ],
  [
    'OpenAI, DeepSeek and older vLLM, the answer',
    "This model's maximum context length is 4097 tokens. However, you requested 4120 tokens (3120 in the messages, 1000 in the completion). Please reduce the length of the messages or completion.",
    { limit: 4097, input: 3120 },
  ],
  [
    'OpenAI, older',
    "This model's maximum context length is 4097 tokens, however you requested 4231 tokens (3975 in your prompt; 256 for the completion). Please reduce your prompt; or completion length.",
    { limit: 4097, input: 3975 },
  ],
  [
    'OpenAI, reasoning models',
    'Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300123 tokens. Please reduce the length of the messages.',
    { limit: 272_000, input: 300_123 },
  ],
  ['OpenAI, without numbers', 'Your input exceeds the context window of this model. Please adjust your input.', null],
  [
    'OpenAI, tokens per minute',
    'Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 40123. The input or output tokens must be reduced in order to run successfully.',
    { limit: 30_000, input: 40_123 },
    { status: 429 },
  ],
  [
    'Groq',
    'Request too large for model `llama-3.3-70b-versatile` in organization `org_x` service tier `on_demand` on tokens per minute (TPM): Limit 12000, Requested 15012, please reduce your message size and try again.',
    { limit: 12_000, input: 15_012 },
    { status: 413 },
  ],
  ['Groq, without numbers', 'Please reduce the length of the messages or completion.', null],
  [
    'OpenRouter',
    'This endpoint\'s maximum context length is 131072 tokens. However, you requested about 132463 tokens (1463 of text input, 131000 in the output). Please reduce the length of either one, or use the "middle-out" transform to compress your prompt automatically.',
    { limit: 131_072, input: 1_463 },
  ],
  [
    'OpenRouter, tools',
    "This endpoint's maximum context length is 262144 tokens. However, you requested about 282974 tokens (132890 of text input, 150084 of tool input).",
    { limit: 262_144, input: 282_974 },
  ],
  ['Anthropic', 'prompt is too long: 210001 tokens > 200000 maximum', { limit: 200_000, input: 210_001 }],
  [
    'Anthropic, the answer',
    'input length and `max_tokens` exceed context limit: 154996 + 64000 > 200000, decrease input length or `max_tokens` and try again',
    { limit: 200_000, input: 154_996 },
  ],
  [
    'llama.cpp',
    'the request exceeds the available context size. try increasing the context size or enable context shift',
    { limit: 8192, input: 14_429 },
    { fields: { n_prompt_tokens: 14_429, n_ctx: 8192 } },
  ],
  [
    'llama.cpp, newer',
    'request (14429 tokens) exceeds the available context size (8192 tokens), try increasing it',
    { limit: 8192, input: 14_429 },
  ],
  [
    'LM Studio',
    'Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough.',
    { limit: 4096, input: null },
  ],
  ['Ollama', 'the input length exceeds the context length', null],
  [
    'vLLM, max_tokens',
    "'max_tokens' or 'max_completion_tokens' is too large: 2000. This model's maximum context length is 4096 tokens and your request has 2104 input tokens (2000 > 4096 - 2104).",
    { limit: 4096, input: 2_104 },
  ],
  [
    'vLLM, newer',
    "This model's maximum context length is 262144 tokens. However, you requested 0 output tokens and your prompt contains at least 262145 input tokens, for a total of at least 262145 tokens.",
    { limit: 262_144, input: 262_145 },
  ],
  [
    'vLLM, the engine',
    'The decoder prompt (length 5000) is longer than the maximum model length of 4096.',
    { limit: 4096, input: 5_000 },
  ],
  [
    'SGLang',
    "Requested token count exceeds the model's maximum context length of 202752 tokens. You requested a total of 202941 tokens: 170941 tokens from the input messages and 32000 tokens for the completion.",
    { limit: 202_752, input: 170_941 },
  ],
  [
    'Gemini',
    'The input token count (1200001) exceeds the maximum number of tokens allowed (1048576).',
    { limit: 1_048_576, input: 1_200_001 },
  ],
  [
    'Vertex',
    'Unable to submit request because the input token count is 32825 but model only supports up to 32768.',
    { limit: 32_768, input: 32_825 },
  ],
  [
    'Mistral',
    'Prompt contains 40012 tokens and 0 draft tokens, too large for model with 32768 maximum context length',
    { limit: 32_768, input: 40_012 },
  ],
  [
    'xAI',
    "This model's maximum prompt length is 131072 but the request contains 140001 tokens.",
    { limit: 131_072, input: 140_001 },
  ],
  [
    'Poolside',
    'Input length 131393 exceeds the maximum allowed input length of 131040 tokens.',
    { limit: 131_040, input: 131_393 },
  ],
  [
    'a gateway, in brackets',
    "Input length (265330) exceeds model's maximum context length (262144).",
    { limit: 262_144, input: 265_330 },
  ],
  [
    'Together',
    'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. Given: 4000 `inputs` tokens and 512 `max_new_tokens`',
    { limit: 4097, input: 4_000 },
  ],
  ['Cohere', 'too many tokens: total number of tokens in the prompt cannot exceed 4081', { limit: 4081, input: null }],
  ['Qwen', 'Range of input length should be [1, 30720]', { limit: 30_720, input: null }],
  ['Copilot', 'prompt token count of 130012 exceeds the limit of 128000', { limit: 128_000, input: 130_012 }],
  [
    'Cerebras',
    'Please reduce the length of the messages or completion. Current length is 9001 while limit is 8192',
    { limit: 8192, input: 9_001 },
  ],
  ['Moonshot', 'Invalid request: Your request exceeded model token limit: 8192', { limit: 8192, input: null }],
  ['Zhipu', 'Prompt exceeds max length', null],
  ['Databricks', 'Exceeded max prompt length', null],
  [
    'Text Generation Inference',
    'Input validation error: `inputs` must have less than 1024 tokens. Given: 2000',
    { limit: 1024, input: null },
    { status: 422 },
  ],
  [
    'SambaNova',
    'Requested generation length 5000 is not possible! The provided prompt is 4000 tokens long, so generating more than 96 tokens requires a sequence length > 4096, but the maximum supported sequence length is just 4096!',
    { limit: 4096, input: 4_000 },
  ],
  ['Ollama, embeddings', 'input length exceeds maximum context length', null, { status: 500 }],
];

describe('a request that is too long', () => {
  for (const [speaker, message, limit, { status = 400, fields = {} } = {}] of rows) {
    it(`is recognized, and so is its limit: ${speaker}`, () => {
      const error = readProviderError({ message, ...fields }, status);
      const named = readNamedLimit(error.body, error.message);
      assert.deepEqual([classify(error, 'm'), named], ['provider_context_length', limit]);
    });
  }

  it('names no limit that is no number of tokens for a model', () => {
    for (const message of ['maximum context length is 4 tokens', 'temperature must be below 2', 'limit of 5 requests'])
      assert.equal(readNamedLimit({}, message), null);
  });
});

describe('another rejection with a limit', () => {
  for (const [message, status = 400] of [
    ['max_tokens is too large: 100000. This model supports at most 16384 completion tokens.'],
    ["Invalid 'tools': array too long. Expected an array with maximum length 128, but got an array with length 200."],
    ['This model only supports up to 128 tools'],
    ['The number of tools exceeds the limit of 128'],
    ['Rate limit reached on tokens per minute (TPM): Limit 30000, Used 29000, Requested 4000.', 429],
  ] as [string, number?][]) {
    it(`is not taken for it: ${message}`, () =>
      assert.notEqual(classify(readProviderError({ message }, status), 'm'), 'provider_context_length'));
  }
});
