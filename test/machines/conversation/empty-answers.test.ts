/** Checks answers without text and tool calls: the model is asked once more within the hop, also after a restart. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { turnMessages } from '../../../machines/context-window/model-messages.ts';
import { foldRow, type TurnRows } from '../../../machines/context-window/past-turns.ts';
import { conversationStateAfter } from '../../../machines/conversation/decisions/log-state.ts';
import { foldLog } from '../../../machines/conversation/rows/recovery-state.ts';
import { reopen, startWorld, type World, type WorldOptions } from '../../support/machines/conversation.ts';
import { rowLines } from '../../support/machines/row-lines.ts';
import { asked, cancel, chat, someUsage } from '../../support/machines/values.ts';

async function streaming(options: WorldOptions = {}): Promise<World> {
  const world = await startWorld(options);
  world.send(chat('r1'));
  world.commit();
  await world.loadContext();
  world.newEvents();
  return world;
}

/** Ends the current answer, and lets the chart ask again. */
async function empty(world: World, answer: { text?: string; reasoning?: string } = {}) {
  world.currentAnswer().finish({ text: '', ...answer });
  assert.equal(world.state(), 'turn.askingAgain');
  world.commit();
  await world.loadContext();
}

const lines = (world: World) => rowLines(world.log.rows());
const turnEnd = (world: World) => world.log.rows().at(-1)?.extra;

describe('an empty answer', () => {
  for (const [what, answer, says] of [
    ['without anything', {}, 'nothing'],
    ['of reasoning alone', { reasoning: 'Hm.' }, 'only reasoning'],
    ['of white space', { text: ' \n\t' }, 'nothing'],
    ['of invisible characters', { text: '\u200b\u2060\n' }, 'nothing'],
  ] as const)
    test(`${what} is stored, announced and asked for again`, async () => {
      const world = await streaming();
      await empty(world, answer);
      assert.deepEqual(
        world.newEvents().filter(({ type }) => type === 'notice'),
        [
          {
            type: 'notice',
            requestId: 'r1',
            kind: 'retrying',
            data: `The model sent ${says} instead of an answer. Asking it once more.`,
            details: { delay_ms: 0, provider: 'first' },
          },
        ],
      );
      world.currentAnswer().finish();
      world.commit();
      assert.equal(lines(world).at(-2), 'assistant: Hello.');
      assert.equal(lines(world).at(-1), 'end stop');
    });

  test('that comes twice ends the turn with an error, and the usage of both requests counts', async () => {
    const world = await streaming();
    await empty(world, { reasoning: 'Hm.' });
    world.currentAnswer().finish({ text: '', reasoning: 'Hm.' });
    assert.equal(world.state(), 'turn.persisting');
    world.commit();
    assert.equal(world.answers.length, 2);
    assert.deepEqual(lines(world), ['user: text of r1', 'assistant:', 'assistant:', 'end with provider_empty']);
    const { error, metadata } = turnEnd(world) ?? {};
    assert.deepEqual(error, {
      code: 'provider_empty',
      message:
        'The model of provider "first" sent only reasoning instead of an answer, 2 times. Try again, or choose another model.',
      retryable: true,
      data: { provider: 'first', model: 'model-1' },
    });
    const one = { hop: 0, model: 'model-1', usage: someUsage };
    assert.deepEqual(Object(metadata).usage_by_hop, [one, one]);
    assert.equal(Object(metadata).tokens, 2 * someUsage.total_tokens);
    assert.equal(world.context().spent.tokens, 2 * someUsage.total_tokens);
  });

  test('after tool results is asked for again, once in each hop', async () => {
    const world = await streaming();
    await empty(world);
    world.currentAnswer().finish({ calls: [asked('add')] });
    world.commit();
    world.latestCall('add').end();
    world.commit();
    await world.loadContext();
    await empty(world);
    world.currentAnswer().finish();
    world.commit();
    assert.deepEqual(lines(world), [
      'user: text of r1',
      'assistant:',
      'assistant: asks add',
      'dispatch add',
      'result add ok',
      'assistant:',
      'assistant: Hello.',
      'end stop',
    ]);
  });

  test('that was cut or filtered ends the turn with its own finish reason', async () => {
    for (const finishReason of ['length', 'content_filter'] as const) {
      const world = await streaming();
      world.currentAnswer().finish({ text: '', finishReason });
      world.commit();
      assert.equal(lines(world).at(-1), `end ${finishReason}`);
    }
  });

  test('is not asked for again if the budget of the turn is spent', async () => {
    const limit = { tokens: someUsage.total_tokens, cost: null };
    const world = await streaming({ limits: { budgets: { turn: limit, conversation: { tokens: null, cost: null } } } });
    await empty(world);
    world.commit();
    assert.deepEqual([world.answers.length, lines(world).at(-1)], [1, 'end with budget_exceeded']);
  });

  test('is not counted against the retries of a provider that fails', async () => {
    const world = await streaming({ limits: { providers: ['first', 'second'], attempts: 1 } });
    await empty(world);
    world.currentAnswer().fail();
    await world.loadContext();
    assert.equal(world.currentAnswer().input.provider, 'second');
    world.currentAnswer().finish({ text: '' });
    world.commit();
    assert.equal(lines(world).at(-1), 'end with provider_empty');
  });
});

describe('a cancel while an empty answer is committed', () => {
  test('waits for the commit and then ends the turn', async () => {
    const world = await streaming();
    world.currentAnswer().finish({ text: '' });
    world.send(cancel('stop'));
    assert.equal(world.state(), 'turn.askingAgain');
    world.commit();
    world.commitAll();
    assert.equal(world.answers.length, 1);
    assert.deepEqual(lines(world).slice(-2), ['cancel cancelled', 'end cancelled']);
  });
});

describe('a restart', () => {
  test('before the commit of an empty answer asks as if it had not come', async () => {
    const world = await streaming();
    world.currentAnswer().finish({ text: '' });
    const after = await reopen(world);
    assert.equal(after.context().interrupted?.emptyAnswers, 0);
  });

  test('after it asks once more, and not again', async () => {
    const world = await streaming();
    await empty(world);
    const after = await reopen(world);
    after.commit();
    await after.loadContext();
    after.currentAnswer().finish({ text: '' });
    after.commit();
    assert.equal(lines(after).at(-1), 'end with provider_empty');
    assert.equal(Object(turnEnd(after)?.['metadata']).tokens, 2 * someUsage.total_tokens);
  });

  test('in the hop after it has the count of that hop alone', async () => {
    const world = await streaming();
    await empty(world);
    world.currentAnswer().finish({ calls: [asked('add')] });
    world.commit();
    assert.equal((await reopen(world)).context().interrupted?.emptyAnswers, 0);
  });
});

describe('the row of an empty answer', () => {
  test('is not shown to the model', async () => {
    const world = await streaming();
    await empty(world, { reasoning: 'Hm.' });
    world.currentAnswer().finish();
    world.commit();
    const turns: TurnRows[] = [];
    for (const row of world.log.rows()) foldRow(turns, row);
    assert.deepEqual(
      turns.flatMap(turnMessages).map(({ message }) => message.content),
      ['text of r1', 'Hello.'],
    );
  });

  test('stands for a model that answers', async () => {
    const world = await streaming();
    await empty(world);
    const rows = world.log.rows();
    const last = rows.at(-1);
    assert.ok(last);
    assert.equal(conversationStateAfter(last, foldLog(rows, ['r1'], 0)), 'turn.streaming');
  });
});
