/** Checks which messages of providers, and which rows, say that a content filter refused a turn. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { endsRefused, isContentRefusal } from '../../../machines/context-window/content-filter.ts';

const refusals = {
  Azure:
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry.",
  OpenAI: 'Invalid prompt: your prompt was flagged as potentially violating our usage policy.',
  Anthropic: 'Output blocked by content filtering policy',
  OpenRouter: 'Your chosen model requires moderation and your input was flagged',
  xAI: 'Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO',
  DeepSeek: 'Content Exists Risk',
  Moonshot: 'The request was rejected because it was considered high risk',
  Qwen: 'Input data may contain inappropriate content.',
  Volcengine: 'The request failed because the input text may contain sensitive information.',
  GLM: '系统检测到输入或生成内容可能包含不安全或敏感内容',
};

const others = [
  'temperature must be below 2',
  "This model's maximum context length is 8192 tokens",
  "Invalid 'content': expected a string",
  'The content of message 3 is empty',
  'messages: roles must alternate',
  'Country, region, or territory not supported',
  'You exceeded your quota',
];

describe('a message of a provider', () => {
  for (const [provider, message] of Object.entries(refusals)) {
    it(`is a refusal of a content filter: ${provider}`, () => assert.ok(isContentRefusal(message)));
  }
  for (const message of others) {
    it(`is none: ${message}`, () => assert.ok(!isContentRefusal(message)));
  }
});

describe('the end of a turn', () => {
  const failed = (code: string, says = '') => ({
    kind: 'turn_end',
    status: 'error',
    error: { code, message: 'x', data: { provider_says: says } },
  });

  it('is refused by the code, or by the finish reason', () => {
    assert.ok(endsRefused(failed('provider_content_filter')));
    assert.ok(endsRefused({ kind: 'turn_end', metadata: { finish_reason: 'content_filter' } }));
  });

  it('is refused in a row of version 0.1.0 by the message of the provider', () => {
    for (const message of Object.values(refusals)) assert.ok(endsRefused(failed('provider_request', message)), message);
  });

  it('is not refused for any other reason', () => {
    for (const extra of [
      {},
      { kind: 'rewind', to_seq: 1 },
      { kind: 'turn_end', status: 'complete', metadata: { finish_reason: 'stop' } },
      { kind: 'turn_end', status: 'error', error: 'flagged' },
      failed('provider_request', 'temperature must be below 2'),
      failed('internal', refusals.Azure),
    ])
      assert.ok(!endsRefused(extra), JSON.stringify(extra));
  });
});
