/**
 * Checks that each request of a conversation begins with the one before it, over each wire protocol: only then do the caches
 * of providers hit. Markers of a cache are no part of what it compares.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { apis } from '../../src/llm/api/apis.ts';
import { apiNames, type ApiName } from '../../src/llm/api/wire-api.ts';
import type { MessageWithImages } from '../../src/llm/message-images.ts';

const asked = {
  provider: 'mine',
  model: 'gpt-6-sol',
  passBackReasoning: ['reasoning_content'] as const,
  cacheKey: 'k',
};

/** One hop with a tool: what the model said and asked, its reasoning, and the result. */
interface Hop {
  say: string;
  calls: number;
  thinks: boolean;
  hasImage: boolean;
}

const hop = fc.record({
  say: fc.constantFrom('', 'Let me see.'),
  calls: fc.integer({ min: 1, max: 3 }),
  thinks: fc.boolean(),
  hasImage: fc.boolean(),
});
const turn = fc.record({ text: fc.string({ minLength: 1 }), hops: fc.array(hop, { maxLength: 3 }) });
const turns = fc.array(turn, { minLength: 1, maxLength: 4 });

function native(api: ApiName, id: string) {
  const item =
    api === 'messages'
      ? { type: 'thinking', thinking: id, signature: 's' }
      : { type: 'reasoning', id, summary: [], encrypted_content: 'e' };
  return { api, provider: asked.provider, model: asked.model, items: [{ before: 0, item }] };
}

/** The messages of each request: the conversation so far, after the message of the user and after each hop. */
function requestsOf(api: ApiName, said: readonly { text: string; hops: readonly Hop[] }[]): MessageWithImages[][] {
  const messages: MessageWithImages[] = [{ role: 'system', content: 'Be brief.' }];
  const requests: MessageWithImages[][] = [];
  let count = 0;
  for (const { text, hops } of said) {
    messages.push({ role: 'user', content: text });
    requests.push([...messages]);
    for (const { say, calls, thinks, hasImage } of hops) {
      const ids = Array.from({ length: calls }, () => `call_${(count += 1)}`);
      messages.push({
        role: 'assistant',
        content: say === '' ? null : say,
        tool_calls: ids.map((id) => ({ id, type: 'function', function: { name: 'look', arguments: '{}' } })),
        ...(thinks ? { reasoning: { text: 'Hm.', signatures: { native: native(api, `rs_${count}`) } } } : {}),
      });
      for (const id of ids)
        messages.push({
          role: 'tool',
          tool_call_id: id,
          content: 'seen',
          ...(hasImage ? { images: [{ mimeType: 'image/png', data: 'AAAA' }] } : {}),
        });
      requests.push([...messages]);
    }
    messages.push({ role: 'assistant', content: 'Done.' });
  }
  return requests;
}

/** What a cache compares: the messages one after the other, each as text. The Messages API joins those of one role. */
function partsOf(api: ApiName, messages: MessageWithImages[]): string[] {
  const body = apis[api].encode({ model: asked.model, messages, cache_control: { type: 'ephemeral' } }, asked);
  const listed: unknown = body[api === 'responses' ? 'input' : 'messages'];
  assert.ok(Array.isArray(listed));
  const whole =
    api === 'messages'
      ? listed.flatMap(({ role, content }) => content.map((block: object) => ({ role, ...block })))
      : listed;
  return whole.map((part: object) =>
    JSON.stringify(part, (key, value: unknown) => (key === 'cache_control' ? undefined : value)),
  );
}

for (const api of apiNames)
  describe(`a request over ${api}`, () => {
    it('begins with the request before it', () => {
      fc.assert(
        fc.property(turns, (said) => {
          const requests = requestsOf(api, said).map((messages) => partsOf(api, messages));
          for (const [at, later] of requests.entries()) {
            const earlier = requests[at - 1] ?? [];
            assert.deepEqual(later.slice(0, earlier.length), earlier);
          }
        }),
      );
    });
  });
