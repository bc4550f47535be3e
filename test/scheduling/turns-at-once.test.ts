/** Checks the limit of turns that run at once: the others are queued, and each gets its turn. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Turn } from '../../src/client/turn.ts';
import type { Chunk } from '../../src/protocol/chunks.ts';
import { readMetrics } from '../support/metrics.ts';
import { hangs, says, saysStepwise } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer } from '../support/parley.ts';
import { eventually } from '../support/eventually.ts';
import { connectClient, startTyped } from '../support/typed-client.ts';

const oneAtOnce = (service: object = {}) => ({ config: { chat: { service: { max_running_turns: 1, ...service } } } });

/** Reads a turn until a chunk matches. */
async function next<Type extends Chunk['type']>(
  chunks: AsyncIterator<Chunk>,
  type: Type,
): Promise<Extract<Chunk, { type: Type }>> {
  const isWanted = (chunk: Chunk): chunk is Extract<Chunk, { type: Type }> => chunk.type === type;
  for (;;) {
    const { done, value } = await chunks.next();
    if (done) throw new Error(`it ended without ${type}`);
    if (isWanted(value)) return value;
  }
}
const chunksOf = (turn: Turn) => turn[Symbol.asyncIterator]();

describe('with one permit for all turns', () => {
  test('a conversation with a long queue lets another one run in between', async (t) => {
    const { model, client } = await startTyped(t, oneAtOnce());
    const slow = saysStepwise('slowly');
    model.script(slow.reply);
    const noisy = [1, 2, 3, 4].map((index) => client.chat(`noisy ${index}`, { conversationId: 'noisy' }));
    await model.request(1);
    const notice = await next(chunksOf(client.chat('quiet', { conversationId: 'quiet' })), 'notice');
    assert.deepEqual([notice.kind, notice['position']], ['queued_for_turn', 1]);
    slow.release();
    await noisy.at(-1)?.end;
    const asked = model.requests
      .map(({ body }) => body.messages.at(-1))
      .map((message) => String(message && 'content' in message ? message.content : ''));
    assert.deepEqual(asked, ['noisy 1', 'quiet', 'noisy 2', 'noisy 3', 'noisy 4']);
  });

  test('a turn that waits for a permit can be cancelled, and its place goes to the next', async (t) => {
    const { model, client, parley } = await startTyped(t, oneAtOnce());
    model.script(hangs(), says('Mine.'));
    const [, second, third] = ['c1', 'c2', 'c3'].map((conversationId) => client.chat('Hi', { conversationId }));
    await eventually(async () => (await readMetrics(parley.url)).get('parley_turns_queued') === 2, 'two queued turns');
    await client.cancel('c2');
    assert.equal((await second?.end)?.metadata.finish_reason, 'cancelled');
    await client.cancel('c1');
    assert.equal(await third?.text(), 'Mine.');
  });

  test('a turn that waits for an approval releases its permit, and is queued again by the answer', async (t) => {
    const { model, client } = await startTyped(t, {
      mcpServers: demoServer,
      ...oneAtOnce({ tools: { permission: { 'demo.add': 'ask' } } }),
    });
    const slow = saysStepwise('slowly');
    model.script(asks([{ name: 'add', arguments: { a: 2, b: 3 } }]), slow.reply, says('Five.'));
    const turn = client.chat('Add', { conversationId: 'c1' });
    const chunks = chunksOf(turn);
    const { interrupt_id: interruptId } = await next(chunks, 'approval_request');
    client.chat('Hi', { conversationId: 'c2' });
    await model.request(2);
    await client.respond('c1', { interruptId, decision: 'approve' });
    assert.equal((await next(chunks, 'notice')).kind, 'queued_for_turn');
    slow.release();
    assert.equal(await turn.text(), 'Five.');
  });

  test('a turn that waits for a permit is kept over a restart', async (t) => {
    const { model, client, parley } = await startTyped(t, oneAtOnce());
    model.script(hangs(), says('After all.'), says('After all.'));
    client.chat('Hi', { conversationId: 'c1' }).end.catch(() => {});
    await model.request(1);
    const waiting = client.chat('Hi', { conversationId: 'c2', requestId: 'r2' });
    waiting.end.catch(() => {});
    await next(chunksOf(waiting), 'notice');
    client.close();
    await parley.restart();
    assert.equal(
      await connectClient(t, parley.url).chat('Hi', { conversationId: 'c2', requestId: 'r2' }).text(),
      'After all.',
    );
  });
});
