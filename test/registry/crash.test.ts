/**
 * Checks a conversation that crashes because a part throws: its followers get an error, the others continue, and it
 * reopens. Without sockets, because the shipped client would send the same message again by itself.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startConversations, type Replacements } from '../support/conversations.ts';
import { textOf } from '../support/client.ts';
import { says, saysStepwise, stalls } from '../support/model/replies.ts';

/** Throws once, in the conversation `bad`, as soon as `when` holds. */
function throwOnce<Fact>(when: (fact: Fact) => boolean) {
  let hasThrown = false;
  return (conversationId: string, fact: Fact) => {
    if (hasThrown || conversationId !== 'bad' || !when(fact)) return;
    hasThrown = true;
    throw new Error('a part is broken');
  };
}

const isAnswer = ({ type }: { type: string }) => type === 'assistant_message';

const broken: { what: string; replacements(): Replacements }[] = [
  {
    what: 'the store throws on its answer',
    replacements() {
      const throwIfDue = throwOnce((rows: { type: string }[]) => rows.some(isAnswer));
      return {
        append: (append) => (intent, done) => {
          throwIfDue(intent.conversationId, intent.rows);
          append(intent, done);
        },
      };
    },
  },
  {
    what: 'the store throws on its answer, which had to wait for its tokens to be counted',
    replacements() {
      const throwIfDue = throwOnce((rows: { type: string }[]) => rows.some(isAnswer));
      return {
        countTokens: async (text) => text.length,
        append: (append) => (intent, done) => {
          throwIfDue(intent.conversationId, intent.rows);
          append(intent, done);
        },
      };
    },
  },
  {
    what: 'its answer is stored and then cannot be kept warm',
    replacements() {
      const throwIfDue = throwOnce((rows: readonly { type: string }[]) => rows.some(isAnswer));
      return {
        keepWarm: (append) => (ref, rows) => {
          throwIfDue(ref.conversationId, rows);
          append(ref, rows);
        },
      };
    },
  },
  {
    what: 'its chart throws in the middle of a transition',
    replacements() {
      const throwIfDue = throwOnce(() => true);
      return {
        machine: (machine) =>
          machine.provide({
            guards: {
              asksForTools({ context }) {
                throwIfDue(context.conversationId, null);
                return false;
              },
            },
          }),
      };
    },
  },
];

describe('a conversation crashes when', () => {
  for (const { what, replacements } of broken) {
    test(`${what}: its followers get an error, all others continue, and the same message gets the answer`, async (t) => {
      const { registry, model, enter, crashes } = await startConversations(t, replacements());
      const [ann, bob] = [enter('ann'), enter('bob')];
      const slow = saysStepwise('still ', 'here');
      model.script(slow.reply);
      bob.chat('good', 'b1');
      await slow.gates[0]?.reached;
      slow.release();
      await bob.waitFor((frame) => frame.chunk?.type === 'text', 'the first word');

      const doomed = saysStepwise('one ', 'two');
      model.script(doomed.reply, says('one two three'));
      ann.chat('bad', 'a1');
      await ann.waitFor((frame) => frame.status === 'processing', 'the start');
      bob.chat('bad', 'a1', 'say a1');
      await bob.waitFor((frame) => frame.request_id === 'a1' && frame.status === 'processing', 'to be attached');
      doomed.release(2);

      for (const follower of [ann, bob]) {
        const end = await follower.end('a1');
        assert.deepEqual([end.status, end.error?.code, end.error?.retryable], ['error', 'conversation_failed', true]);
      }
      assert.equal(crashes.length, 1);
      assert.equal(registry.live(), 1, 'the other one');

      const from = ann.frames.length;
      ann.chat('bad', 'a1');
      assert.equal((await ann.end('a1', from)).status, 'complete');
      slow.release();
      assert.equal((await bob.end('b1')).status, 'complete');
      assert.equal(textOf(bob.frames.filter((frame) => frame.request_id === 'b1')), 'still here');
      assert.deepEqual(model.violations, []);
    });
  }

  test('a cancel meets a fault: the request to the model is aborted, and the cancel gets a reply too', async (t) => {
    const throwIfDue = throwOnce(() => true);
    const { model, enter } = await startConversations(t, {
      machine: (machine) =>
        machine.provide({
          guards: {
            targetsRunningTurn({ context }) {
              throwIfDue(context.conversationId, null);
              return true;
            },
          },
        }),
    });
    const ann = enter('ann');
    model.script(stalls('Once '));
    ann.chat('bad', 'a1');
    await ann.waitFor((frame) => frame.chunk?.type === 'text', 'the first word');
    const stop = ann.cancel('bad');
    assert.equal((await ann.end(stop)).error?.code, 'conversation_failed');
    assert.equal((await ann.end('a1')).error?.code, 'conversation_failed');
    assert.equal(await model.requests[0]?.end, 'aborted');
  });

  test('a message cannot be handed to the store: its sender gets an error', async (t) => {
    const throwIfDue = throwOnce(() => true);
    const { enter } = await startConversations(t, {
      append: (append) => (intent, done) => {
        throwIfDue(intent.conversationId, null);
        append(intent, done);
      },
    });
    const ann = enter('ann');
    ann.chat('bad', 'a1');
    assert.equal((await ann.end('a1')).error?.code, 'conversation_failed');
    const from = ann.frames.length;
    ann.chat('bad', 'a1');
    assert.equal((await ann.end('a1', from)).status, 'complete');
  });
});

test('only a conversation that crashes too often is closed until it has cooled down', async (t) => {
  let broken = true;
  const { enter, crashes } = await startConversations(t, {
    crashBudget: { crashes: 3, crashWindowMs: 600 },
    append: (append) => (intent, done) => {
      if (broken && intent.conversationId === 'bad') throw new Error('a part is broken');
      append(intent, done);
    },
  });
  const ann = enter('ann');
  for (const id of ['a1', 'a2', 'a3']) {
    ann.chat('bad', id);
    assert.equal((await ann.end(id)).error?.code, 'conversation_failed');
  }
  broken = false;
  ann.chat('bad', 'a4');
  const refused = (await ann.end('a4')).error;
  assert.equal(refused?.code, 'conversation_unavailable');
  const waitMs = Number(refused?.data['retry_after_ms']);
  assert.ok(waitMs > 0 && waitMs <= 600, `${waitMs} ms`);
  assert.equal(crashes.length, 3, 'the refusal is no crash');
  ann.chat('good', 'g1');
  assert.equal((await ann.end('g1')).status, 'complete');

  const cooled = performance.now() + waitMs;
  await ann.waitFor(() => performance.now() > cooled, 'the budget to cool down');
  ann.chat('bad', 'a5');
  assert.equal((await ann.end('a5')).status, 'complete');
});

test('a turn that crashes its conversation each time is ended, and the conversation stays usable', async (t) => {
  const { enter, model } = await startConversations(t, {
    machine: (machine) =>
      machine.provide({
        guards: {
          asksForTools({ event }) {
            if (event.type === 'answer.finished' && event.answer.text === 'poison') throw new Error('a part is broken');
            return false;
          },
        },
      }),
  });
  const ann = enter('ann');
  model.script(says('poison'), says('poison'), says('poison'), says('poison'), says('fine'));
  let last: string | undefined = 'conversation_failed';
  for (let tries = 0; tries < 6 && last === 'conversation_failed'; tries += 1) {
    const from = ann.frames.length;
    ann.chat('bad', 'a1');
    last = (await ann.end('a1', from)).error?.code;
  }
  assert.equal(last, 'recovery_failed');
  ann.chat('bad', 'a2');
  assert.equal((await ann.end('a2')).status, 'complete');
});

test('a conversation that crashes while its end is stored does not run its turn again', async (t) => {
  const throwIfDue = throwOnce(() => true);
  let onEnd = () => {};
  const { enter, model, crashes } = await startConversations(t, {
    append: (append) => (intent, done) => {
      append(intent, done);
      if (intent.conversationId === 'bad' && intent.end) queueMicrotask(() => onEnd());
    },
    machine: (machine) =>
      machine.provide({
        guards: {
          targetsRunningTurn({ context }) {
            throwIfDue(context.conversationId, null);
            return false;
          },
        },
      }),
  });
  const client = enter('s1');
  onEnd = () => {
    onEnd = () => {};
    client.cancel('bad');
    client.chat('bad', 'r1');
  };
  client.chat('bad', 'r1');
  const end = await client.waitFor((frame) => frame.status === 'complete', 'the end');
  assert.equal(crashes.length, 1);
  assert.equal(end.metadata?.['replayed'], true);
  assert.equal(model.requests.length, 1, 'the model was asked once');
});
