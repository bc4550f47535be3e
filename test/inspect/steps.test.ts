/** Checks the step list: steps, the actors after each, and no repeats. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conversationIn, createStepList, dotted, othersIn, actorTitle } from '../../src/inspect/page/steps.js';

const machine = (id: string) => JSON.stringify({ id, states: {} });
const head = (sessionId: string, id: number) => ({ rootId: 'r', sessionId, id: String(id), createdAt: String(id) });
const actorMessage = (sessionId: string, id: number, definition: string, more = {}) => ({
  type: '@xstate.actor',
  ...head(sessionId, id),
  name: sessionId,
  definition,
  snapshot: { status: 'active', value: 'new' },
  ...more,
});
const stateMessage = (sessionId: string, id: number, value: unknown, type: string, more = {}) => ({
  type: '@xstate.snapshot',
  ...head(sessionId, id),
  event: { type },
  snapshot: { status: 'active', value, ...more },
  transitions: [`${String(value)}|${type}|0`],
});

test('a step keeps the state of every actor at that time', () => {
  const stepList = createStepList();
  const messages = [
    actorMessage('mcp:demo', 1, machine('mcpServer')),
    actorMessage('c1', 2, machine('conversation')),
    actorMessage('answer', 3, '{"id":"answer"}', { parentId: 'c1' }),
    stateMessage('c1', 4, { turn: { toolHop: 'running' } }, 'log.committed'),
    actorMessage('call', 5, machine('toolCall'), {
      parentId: 'c1',
      snapshot: { status: 'active', value: 'running', context: { tool: { name: 'add' } } },
    }),
    stateMessage('call', 6, 'ok', 'call.ended', { status: 'done', context: { tool: { name: 'add' } } }),
  ];
  for (const message of messages) assert.equal(stepList.add(message), true);
  const steps = stepList.steps();
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
  assert.equal(actorTitle(call), 'call of add');
});

test('the transitions that led to a state stay with it until the next state', () => {
  const stepList = createStepList();
  stepList.add(actorMessage('c1', 1, machine('conversation')));
  stepList.add(stateMessage('c1', 2, 'idle', 'arrive'));
  stepList.add({ ...stateMessage('c1', 3, 'idle', 'other'), transitions: [] });
  assert.deepEqual(
    stepList.steps().map(({ actors }) => conversationIn(actors)?.transitions),
    [[], ['idle|arrive|0'], ['idle|arrive|0']],
  );
});

test('a message that is repeated after a reconnect is ignored', () => {
  const stepList = createStepList();
  const message = actorMessage('c1', 1, machine('conversation'));
  assert.deepEqual([stepList.add(message), stepList.add(message), stepList.steps().length], [true, false, 1]);
});

test('the step list is bounded for any number of messages', () => {
  const stepList = createStepList();
  stepList.add(actorMessage('c1', 0, machine('conversation')));
  for (let id = 1; id < 20_000; id += 1) {
    stepList.add(
      id % 3 === 0
        ? actorMessage(`call ${id}`, id, machine('toolCall'), {
            parentId: 'c1',
            snapshot: { status: 'done', value: 'ok' },
          })
        : stateMessage('c1', id, 'idle', 'e'),
    );
  }
  assert.ok(stepList.steps().length <= 4000);
  assert.ok((stepList.steps().at(-1)?.actors.size ?? 0) < 100);
  assert.equal(stepList.steps().at(-1)?.label, 'e');
});

test('a parallel state value becomes several dotted paths', () => {
  assert.equal(dotted({ a: 'b', c: { d: 'e' } }), 'a.b c.d.e');
});
