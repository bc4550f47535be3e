/**
 * Checks a conversation that a model finds too long: its context is halved once, the hop is retried, and the turn
 * continues.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Chunk } from '../../src/protocol/chunks.ts';
import { fails, says, type Reply } from '../support/model/replies.ts';
import type { ModelRequest } from '../support/model/server.ts';
import { readAll, startTyped } from '../support/typed-client.ts';

const c1 = { conversationId: 'c1' };
const tooLong = () =>
  fails(400, "This model's maximum context length is exceeded", { code: 'context_length_exceeded' });
const sizeOf = ({ body }: ModelRequest) =>
  body.messages.reduce((sum, { content }) => sum + (typeof content === 'string' ? content.length : 0), 0);
const noticesIn = (chunks: readonly Chunk[]) => chunks.flatMap((chunk) => (chunk.type === 'notice' ? [chunk] : []));
const kindsOf = (chunks: readonly Chunk[]) => noticesIn(chunks).map(({ kind }) => kind);

/** A model that accepts only this number of characters. */
async function startNarrow(t: TestContext, mostChars: number, answer: () => Reply = () => says('Yes.')) {
  const scripted = await startTyped(t, { config: { chat: { service: { context: { preserve_recent: 1 } } } } });
  scripted.model.script((request) => (sizeOf(request) > mostChars ? tooLong() : answer()));
  return scripted;
}

const story = (topic: string) => `${topic}: ${'one thing and then another, '.repeat(40)}`;

test('older turns are dropped and the turn is answered; the next turn starts with the whole context again', async (t) => {
  const { client, model } = await startNarrow(t, 4_000);
  for (const topic of ['Apples', 'Pears', 'Plums']) await client.chat(story(topic), c1).end;
  const turn = client.chat(story('Cherries'), c1);
  const chunks = await readAll(turn);
  assert.deepEqual([await turn.text(), kindsOf(chunks)], ['Yes.', ['retrying']]);
  const [notice] = noticesIn(chunks);
  assert.match(notice?.data ?? '', /too long for "scripted-model".*half of the context/);
  assert.partialDeepStrictEqual(notice, { delay_ms: 0, provider: 'scripted' });
  const [whole, half] = model.requests.slice(-2);
  assert.ok(whole && half);
  assert.match(JSON.stringify(whole.body.messages), /Apples/);
  assert.doesNotMatch(JSON.stringify(half.body.messages), /Apples/);
  assert.match(JSON.stringify(half.body.messages.at(-1)), /Cherries/);
  assert.equal(kindsOf(await readAll(client.chat('And now?', c1))).length, 1);
});

test('a message that is too long by itself is cut in the middle, and the client is notified', async (t) => {
  const { client, model } = await startNarrow(t, 4_000);
  const chunks = await readAll(client.chat(`Begin. ${'word '.repeat(1_200)} End.`, c1));
  assert.deepEqual(kindsOf(chunks), ['retrying', 'context_truncated']);
  const asked = model.requests.at(-1)?.body.messages.at(-1)?.content;
  assert.match(typeof asked === 'string' ? asked : '', /^Begin\..*characters left out.* End\.$/s);
});

test('a context that stays too long ends the turn after one retry, with a remedy in the error', async (t) => {
  const { client, model } = await startNarrow(t, 0);
  await assert.rejects(client.chat('Hi', c1).end, {
    code: 'provider_context_length',
    message: /chat\.service\.context\.max_tokens/,
  });
  assert.equal(model.requests.length, 2);
});
