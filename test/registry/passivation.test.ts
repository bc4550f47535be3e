/** Checks that idle conversations are passivated and restored, and that the log cache is bounded. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readMetrics } from '../support/metrics.ts';
import { says, saysStepwise } from '../support/model/replies.ts';
import { startScripted, type Parley } from '../support/parley.ts';
import { eventually } from '../support/eventually.ts';

const contentsOf = (messages: readonly { role: string; content?: unknown }[] = []) =>
  messages.slice(1).map(({ content }) => String(content));
const sample = async (parley: Parley, name: string) =>
  (await readMetrics(parley.url)).get(`parley_${name}`) ?? Number.NaN;
const isEmpty = (parley: Parley) =>
  eventually(async () => (await sample(parley, 'conversations_live')) === 0, 'the conversation to leave');

describe('an idle conversation', () => {
  test('is passivated after idle_timeout, keeps its log and socket, and is restored with its whole history', async (t) => {
    const { parley, model, client } = await startScripted(t, { config: { chat: { service: { idle_timeout: 0.1 } } } });
    model.script(says('Hello Ada.'), says('Ada.'));
    await client.chat('My name is Ada', { conversation_id: 'c1' }, 'r1');
    await isEmpty(parley);
    assert.equal(await sample(parley, 'log_cache_bytes'), 0);
    assert.equal(await sample(parley, 'connections'), 1);

    const turn = await client.chat('What is my name?', { conversation_id: 'c1' }, 'r2');

    assert.deepEqual(contentsOf(model.requests[1]?.body.messages), [
      'My name is Ada',
      'Hello Ada.',
      'What is my name?',
    ]);
    assert.deepEqual(
      turn.frames.filter((frame) => frame.status !== 'chunk').map((frame) => frame.seq),
      [4, 6],
    );
    await isEmpty(parley);
    const from = client.frames.length;
    client.send('chat', { text: 'What is my name?', conversation_id: 'c1' }, 'r2');
    const again = await client.waitFor((frame) => client.frames.indexOf(frame) >= from && frame.status === 'complete');
    assert.deepEqual(again, { ...turn.end, metadata: { ...turn.end.metadata, replayed: true } });
  });

  test('has no running turn: a slow answer does not count as idle', async (t) => {
    const { parley, model, client } = await startScripted(t, { config: { chat: { service: { idle_timeout: 0.1 } } } });
    const answer = saysStepwise('at ', 'last');
    model.script(answer.reply, says('gone'));
    client.send('chat', { text: 'take your time', conversation_id: 'slow' }, 'r1');
    await answer.gates[0]?.reached;
    await client.chat('Hi', { conversation_id: 'quick' });
    // The other one is passivated at the first sweep that could take the slow one too.
    await eventually(async () => (await sample(parley, 'conversations_live')) === 1, 'the quick one to leave');
    answer.release(2);
    assert.equal((await client.turn('r1')).text, 'at last');
    await isEmpty(parley);
  });

  test('makes room when max_live_conversations are in memory; without an idle one a new one is overloaded', async (t) => {
    const { parley, client } = await startScripted(t, {
      config: { chat: { service: { idle_timeout: 0.3, max_live_conversations: 1 } } },
    });
    await client.chat('Hi', { conversation_id: 'c1' });
    const refused = await client.chat('Hi', { conversation_id: 'c2' });
    assert.equal(refused.end.error?.code, 'overloaded');
    assert.equal(typeof refused.end.error?.data['retry_after_ms'], 'number');
    await isEmpty(parley);
    assert.equal((await client.chat('Hi', { conversation_id: 'c2' })).end.status, 'complete');
  });
});

describe('the log cache', () => {
  test('stays within its limit while conversations grow, and evicted conversations lose nothing', async (t) => {
    const warmBytes = 40_000;
    const { parley, model, client } = await startScripted(t, {
      config: { chat: { service: { log_cache_bytes: warmBytes } } },
    });
    const text = (turn: number, conversation: number) => `turn ${turn} of ${conversation} ${'word '.repeat(150)}`;
    model.script(() => says('Noted.'));
    for (let turn = 0; turn < 3; turn += 1) {
      for (let conversation = 0; conversation < 10; conversation += 1) {
        await client.chat(text(turn, conversation), { conversation_id: `c${conversation}` });
        const warm = await sample(parley, 'log_cache_bytes');
        assert.ok(warm > 0 && warm <= warmBytes, `${warm} bytes are warm`);
      }
    }
    assert.equal(await sample(parley, 'conversations_live'), 10);
    for (const [index, request] of model.requests.slice(20).entries()) {
      const expected = [0, 1, 2].flatMap((turn) => [text(turn, index), 'Noted.']).slice(0, -1);
      assert.deepEqual(contentsOf(request.body.messages), expected);
    }
  });

  test('may be off: then every context is read from the log', async (t) => {
    const { parley, model, client } = await startScripted(t, { config: { chat: { service: { log_cache_bytes: 0 } } } });
    for (const text of ['one', 'two']) await client.chat(text, { conversation_id: 'c1' });
    assert.deepEqual(contentsOf(model.requests[1]?.body.messages), ['one', 'Hello from the scripted model.', 'two']);
    assert.equal(await sample(parley, 'log_cache_bytes'), 0);
  });
});
