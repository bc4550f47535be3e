/** Tests which reasoning is passed back, and to which providers. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  knownReasoningFields,
  type ReasoningField,
  type MessageWithReasoning,
} from '../../src/llm/pass-back-reasoning.ts';
import type { ProviderBlock } from '../../src/llm/providers/provider.ts';
import { ask, languageModelAt } from '../support/model/ask.ts';
import { delta, done, finish, streams, text, type Reply } from '../support/model/replies.ts';
import { startModelServer, type ModelServer } from '../support/model/server.ts';
import { callParts } from '../support/model/tool-calls.ts';

let server: ModelServer;
before(async () => {
  server = await startModelServer();
});
after(() => server.close());

const calls = callParts([{ name: 'add', arguments: { a: 1 } }], 'whole');

async function signaturesIn(reply: Reply) {
  server.script(reply);
  const { end } = await ask(languageModelAt(server.url));
  assert.ok(end.status === 'finished', JSON.stringify(end));
  return end.signatures;
}

describe('what a provider gave beside its words', () => {
  test('is put together from its pieces, in order, signatures included', async () => {
    const piece = (fields: object) => delta({ reasoning_details: [fields] });
    const signatures = await signaturesIn(
      streams(
        piece({ type: 'reasoning.text', text: 'Let me ', index: 0, format: 'anthropic-claude-v1' }),
        piece({ type: 'reasoning.text', text: 'add.', index: 0 }),
        piece({ type: 'reasoning.text', signature: 'sig', text: null, index: 0 }),
        piece({ type: 'reasoning.encrypted', data: 'x', id: 'a', index: 1 }),
        piece({ type: 'reasoning.encrypted', data: 'y', id: 'b', index: 1 }),
        calls,
        finish('tool_calls'),
        done(),
      ),
    );
    assert.deepEqual(signatures, {
      details: [
        { type: 'reasoning.text', text: 'Let me add.', index: 0, format: 'anthropic-claude-v1', signature: 'sig' },
        { type: 'reasoning.encrypted', data: 'x', id: 'a', index: 1 },
        { type: 'reasoning.encrypted', data: 'y', id: 'b', index: 1 },
      ],
    });
  });

  test('is kept for each call that has something of its own', async () => {
    const extra = { google: { thought_signature: 'sig' } };
    const both = [
      { index: 0, id: 'a', type: 'function', extra_content: extra, function: { name: 'add', arguments: '{}' } },
      { index: 1, id: 'b', type: 'function', function: { name: 'add', arguments: '{}' } },
    ];
    assert.deepEqual(await signaturesIn(streams(delta({ tool_calls: both }), finish('tool_calls'), done())), {
      calls: [extra, null],
    });
  });

  test('is nothing in most answers, and not kept where no tool is asked for', async () => {
    assert.equal(await signaturesIn(streams(calls, finish('tool_calls'), done())), null);
    assert.equal(
      await signaturesIn(
        streams(
          delta({ reasoning_details: [{ type: 'reasoning.text', text: 'Hm.' }] }),
          text('Hi'),
          finish('stop'),
          done(),
        ),
      ),
      null,
    );
  });
});

describe('a message with reasoning is sent', () => {
  const call = { id: 'call00001', type: 'function' as const, function: { name: 'add', arguments: '{}' } };
  const details = [{ type: 'reasoning.text', text: 'Hm.', signature: 'sig' }];
  const extra = { google: { thought_signature: 'sig' } };
  const plain = { role: 'assistant' as const, content: null, tool_calls: [call] };
  const messages: MessageWithReasoning[] = [
    { role: 'user', content: 'Add.' },
    { ...plain, reasoning: { text: 'Hm.', signatures: { details, calls: [extra] } } },
    { role: 'tool', content: '1', tool_call_id: 'call00001' },
  ];
  const table: [fields: ReasoningField[] | undefined, sent: object][] = [
    [undefined, plain],
    [[], plain],
    [['reasoning_content'], { ...plain, reasoning_content: 'Hm.' }],
    [['reasoning'], { ...plain, reasoning: 'Hm.' }],
    [['reasoning_details'], { ...plain, reasoning_details: details }],
    [['extra_content'], { ...plain, tool_calls: [{ ...call, extra_content: extra }] }],
    [['reasoning', 'reasoning_details'], { ...plain, reasoning: 'Hm.', reasoning_details: details }],
  ];
  for (const [fields, sent] of table) {
    test(`${fields === undefined || fields.length === 0 ? 'without them' : `with ${fields.join(' and ')}`} where the block says ${JSON.stringify(fields)}`, async () => {
      const scripted = {
        base_url: server.url,
        model: 'm',
        ...(fields === undefined ? {} : { pass_back_reasoning: fields }),
      };
      await ask(languageModelAt(server.url, { providers: { scripted } }), { messages });
      const { body } = await server.request(server.requests.length);
      assert.deepEqual([body.messages[1], 'pass_back_reasoning' in body], [sent, false]);
    });
  }

  test('of another provider still has the field that this one misses', async () => {
    const scripted = {
      base_url: server.url,
      model: 'm',
      pass_back_reasoning: ['reasoning_content'] satisfies ReasoningField[],
    };
    await ask(languageModelAt(server.url, { providers: { scripted } }), {
      messages: [{ role: 'user', content: 'Add.' }, plain, { role: 'tool', content: '1', tool_call_id: 'call00001' }],
    });
    assert.deepEqual((await server.request(server.requests.length)).body.messages[1], {
      ...plain,
      reasoning_content: '',
    });
  });
});

test('providers that refuse a hop without its thoughts are known by their hosts, and by nothing that only looks like one', () => {
  const wants = [
    'https://api.deepseek.com',
    'https://api.moonshot.ai/v1',
    'https://openrouter.ai/api/v1',
    'https://generativelanguage.googleapis.com/v1beta/openai',
  ].map(knownReasoningFields);
  assert.deepEqual(wants, [['reasoning_content'], ['reasoning_content'], ['reasoning_details'], ['extra_content']]);
  for (const url of [
    'https://api.groq.com/openai/v1',
    'https://api.deepseek.com.example',
    'http://localhost/api.deepseek.com',
    'https://constructor',
  ])
    assert.deepEqual(knownReasoningFields(url), []);
});

describe('the window of a provider', () => {
  for (const [block, expected] of [
    [{}, false],
    [{ pass_back_reasoning: ['reasoning_content'] }, true],
    [{ api: 'responses' }, true],
    [{ api: 'messages' }, true],
  ] as const)
    test(`${expected ? 'counts' : 'does not count'} reasoning with ${JSON.stringify(block)}`, () => {
      const scripted = { base_url: 'http://127.0.0.1:1/v1', model: 'm', ...block } as ProviderBlock;
      const model = languageModelAt('http://127.0.0.1:1/v1', { providers: { scripted } });
      assert.equal(model.window('scripted', 'm').sendsReasoning, expected);
    });
});
