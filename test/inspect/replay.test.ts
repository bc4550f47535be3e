/**
 * Checks the replay from the log: its states are those of the live run, in the same order. Its messages are bounded and
 * redacted like live ones.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StatelyMessage } from '../../src/inspect/stately-format.ts';
import type { Client } from '../support/client.ts';
import { dotted, statesOf, watch, type Watcher } from '../support/inspection.ts';
import { pageOf } from '../support/metrics.ts';
import { fails, says, saysStepwise } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer, startParley, startScripted, type Parley } from '../support/parley.ts';

interface Replay {
  messages: StatelyMessage[];
  end_state: string | null;
  head_seq: number;
  before_seq: number | null;
}

async function replayed(parley: Pick<Parley, 'url'>, query: Record<string, string>): Promise<Replay> {
  const response = await fetch(pageOf(parley.url, `/inspect/api/replay?${new URLSearchParams(query)}`));
  assert.equal(response.status, 200);
  const replay: Replay = JSON.parse(await response.text());
  return replay;
}

const add = (...sums: [number, number][]) => asks(sums.map(([a, b]) => ({ name: 'add', arguments: { a, b } })));

/** Asserts that every replayed state occurred live, in this order; the live run may have more states. */
function assertLived(replay: readonly StatelyMessage[], live: readonly StatelyMessage[], name: string): void {
  const lived = statesOf(live, name);
  let from = 0;
  // The first is the state of a conversation without rows.
  for (const state of statesOf(replay, name).slice(1)) {
    const found = lived.indexOf(state, from);
    assert.ok(
      found >= 0,
      `${state} is not in ${lived.slice(from).join(', ')}; all: ${statesOf(replay, name).join(', ')}`,
    );
    from = found;
  }
}

const endOf = (watcher: Watcher) =>
  watcher.waitFor(
    (message) =>
      message.type === '@xstate.snapshot' &&
      message.transitions.some((id) => id.startsWith('turn.persisting|log.committed')),
    'the end of the turn',
  );

describe('replayed states match the live states', () => {
  const turns: [
    sentence: string,
    play: (scene: { client: Client; model: Awaited<ReturnType<typeof startScripted>>['model'] }) => Promise<unknown>,
  ][] = [
    [
      'in a plain turn',
      ({ client, model }) => {
        model.script(says('Hello.'));
        return client.chat('Hi', { conversation_id: 'c1' });
      },
    ],
    [
      'over two hops of tool calls',
      ({ client, model }) => {
        model.script(add([1, 2], [3, 4]), add([5, 6]), says('Done.'));
        return client.chat('add', { conversation_id: 'c1' });
      },
    ],
    [
      'with an approval',
      async ({ client, model }) => {
        model.script(asks([{ name: 'current_time', arguments: {} }]), says('Done.'));
        client.send('chat', { text: 'list', conversation_id: 'c1' }, 'r1');
        const asked = await client.waitFor((frame) => frame.chunk?.type === 'approval_request', 'the question');
        await client.ask('respond', {
          conversation_id: 'c1',
          interrupt_id: asked.chunk?.['interrupt_id'],
          decision: 'approve',
        });
        await client.turn('r1');
      },
    ],
    [
      'of a cancelled turn',
      async ({ client, model }) => {
        const answer = saysStepwise('one ', 'two');
        model.script(answer.reply);
        client.send('chat', { text: 'count', conversation_id: 'c1' }, 'r1');
        await model.request(1);
        await client.ask('cancel', { conversation_id: 'c1' });
        await client.turn('r1');
      },
    ],
    [
      'of a failed turn',
      ({ client, model }) => {
        model.script(fails(401, 'no'));
        return client.chat('Hi', { conversation_id: 'c1' });
      },
    ],
  ];
  for (const [sentence, play] of turns) {
    test(sentence, async (t) => {
      const { parley, model, client } = await startScripted(t, {
        mcpServers: demoServer,
        config: { chat: { service: { tools: { permission: { 'demo.current_time': 'ask' } } } } },
      });
      const watcher = await watch(parley, 'c1');
      await play({ client, model });
      await endOf(watcher);
      const { messages, end_state: endState } = await replayed(parley, { conversation: 'c1' });
      assertLived(messages, watcher.received, 'c1');
      assert.equal(endState, 'idle');
      const ends = (all: readonly StatelyMessage[]) =>
        all
          .flatMap((message) =>
            message.type === '@xstate.snapshot' &&
            message.snapshot.status === 'done' &&
            /\/(?:[a-zA-Z0-9]{9}$|x:)/.test(message.sessionId) &&
            typeof message.snapshot.value === 'string'
              ? [dotted(message.snapshot.value)]
              : [],
          )
          .sort();
      assert.deepEqual(ends(messages), ends(watcher.received), 'ends of tool calls');
    });
  }
});

test('replay starts with the newest rows and reads older ones on request', async (t) => {
  const parley = await startParley(t, { config: { inspect: { max_events: 10 } } });
  const client = await parley.connect();
  for (let turn = 0; turn < 6; turn += 1) await client.chat('Hi', { conversation_id: 'c1' });
  const rowsOf = ({ messages }: Replay) =>
    messages.flatMap((message) => (message.type === '@xstate.event' ? [Number(message.event['seq'])] : []));
  const newest = await replayed(parley, { conversation: 'c1' });
  assert.deepEqual(
    [rowsOf(newest), newest.head_seq, newest.before_seq],
    [[9, 10, 11, 12, 13, 14, 15, 16, 17, 18], 18, 9],
  );
  const older = await replayed(parley, { conversation: 'c1', before: String(newest.before_seq) });
  assert.deepEqual([rowsOf(older), older.before_seq, older.end_state], [[1, 2, 3, 4, 5, 6, 7, 8], null, null]);
});

test('replay and lists contain texts only if the configuration includes content', async (t) => {
  for (const texts of [false, true]) {
    const parley = await startParley(t, { mcpServers: demoServer, config: { inspect: { include_content: texts } } });
    const client = await parley.connect();
    await client.chat('add 20 and 30, Rosebud', { conversation_id: 'c1' });
    const response = JSON.stringify([
      await replayed(parley, { conversation: 'c1' }),
      await (await fetch(pageOf(parley.url, '/inspect/api/stored'))).json(),
    ]);
    assert.deepEqual([response.includes('Rosebud'), response.includes('"a\\":20')], [texts, texts]);
  }
});
