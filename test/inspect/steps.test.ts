/** The page's model of what it was told: steps, actors after each, and nothing twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conversationIn, createTimeline, dotted, othersIn, titleOf } from '../../src/inspect/page/steps.js';

const machine = (id: string) => JSON.stringify({ id, states: {} });
const head = (sessionId: string, id: number) => ({ rootId: 'r', sessionId, id: String(id), createdAt: String(id) });
const born = (sessionId: string, id: number, definition: string, more = {}) => ({
  type: '@xstate.actor',
  ...head(sessionId, id),
  name: sessionId,
  definition,
  snapshot: { status: 'active', value: 'new' },
  ...more,
});
const stands = (sessionId: string, id: number, value: unknown, type: string, more = {}) => ({
  type: '@xstate.snapshot',
  ...head(sessionId, id),
  event: { type },
  snapshot: { status: 'active', value, ...more },
  transitions: [`${String(value)}|${type}|0`],
});

test('each step keeps every actor as it was then', () => {
  const timeline = createTimeline();
  const told = [
    born('mcp:demo', 1, machine('mcpServer')),
    born('c1', 2, machine('conversation')),
    born('answer', 3, '{"id":"answer"}', { parentId: 'c1' }),
    stands('c1', 4, { turn: { toolHop: 'running' } }, 'log.committed'),
    born('call', 5, machine('toolCall'), {
      parentId: 'c1',
      snapshot: { status: 'active', value: 'running', context: { tool: { name: 'add' } } },
    }),
    stands('call', 6, 'ok', 'call.ended', { status: 'done', context: { tool: { name: 'add' } } }),
  ];
  for (const message of told) assert.equal(timeline.add(message), true);
  const steps = timeline.steps();
  assert.deepEqual(
    steps.map(({ actorId, label }) => `${actorId} ${label}`),
    ['mcp:demo begins', 'c1 begins', 'c1 log.committed', 'call begins', 'call call.ended'],
  );
  assert.deepEqual(
    steps.map(({ actors }) => conversationIn(actors)?.state),
    [undefined, 'new', 'turn.toolHop.running', 'turn.toolHop.running', 'turn.toolHop.running'],
  );
  assert.deepEqual(
    steps.map(({ actors }) =>
      othersIn(actors)
        .map(({ state }) => state)
        .join(),
    ),
    ['new', 'new', 'new', 'new,running', 'new,ok'],
  );
  const call = steps.at(-1)?.actors.get('call');
  assert.ok(call);
  assert.equal(titleOf(call), 'call of add');
});

test('what led to a state stays with it until the next', () => {
  const timeline = createTimeline();
  timeline.add(born('c1', 1, machine('conversation')));
  timeline.add(stands('c1', 2, 'idle', 'arrive'));
  timeline.add({ ...stands('c1', 3, 'idle', 'other'), transitions: [] });
  assert.deepEqual(
    timeline.steps().map(({ actors }) => conversationIn(actors)?.transitions),
    [[], ['idle|arrive|0'], ['idle|arrive|0']],
  );
});

test('what is told again after a reconnect is no news', () => {
  const timeline = createTimeline();
  const message = born('c1', 1, machine('conversation'));
  assert.deepEqual([timeline.add(message), timeline.add(message), timeline.steps().length], [true, false, 1]);
});

test('however much is told, what is kept is bounded', () => {
  const timeline = createTimeline();
  timeline.add(born('c1', 0, machine('conversation')));
  for (let id = 1; id < 20_000; id += 1) {
    timeline.add(
      id % 3 === 0
        ? born(`call ${id}`, id, machine('toolCall'), { parentId: 'c1', snapshot: { status: 'done', value: 'ok' } })
        : stands('c1', id, 'idle', 'e'),
    );
  }
  assert.ok(timeline.steps().length <= 4000);
  assert.ok((timeline.steps().at(-1)?.actors.size ?? 0) < 100);
  assert.equal(timeline.steps().at(-1)?.label, 'e');
});

test('a parallel state value has its parts side by side', () => {
  assert.equal(dotted({ a: 'b', c: { d: 'e' } }), 'a.b c.d.e');
});
