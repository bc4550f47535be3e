/** Tests the action respond: the lookup of the question, and the check of changed arguments. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { handleRespond, type RespondDeps } from '../../src/gateway/actions/respond.ts';
import { promisesSettled } from '../support/machines/conversation.ts';

const question = {
  kind: 'approval_request',
  interrupt_id: 'q1',
  server: 'demo',
  tool_name: 'add',
  arguments: { a: 2, list: [{ b: 3 }] },
};
const session = { id: 's1', subject: 'ann' };
const approval = { conversation_id: 'c1', interrupt_id: 'q1', decision: 'approve', remember: false } as const;

/** A server that is known after `connected`, and accepts arguments with an `a`. */
function createScene(decision: 'deny' | null = null) {
  const firstRound = Promise.withResolvers<void>();
  const steps: unknown[] = [];
  const deps: RespondDeps = {
    store: { interrupt: async () => ({ decision, question }) },
    mcpServers: {
      settled: () => firstRound.promise,
      validateForm: () => Promise.resolve(null),
      async fitChange(tool, args) {
        steps.push(['check', tool, args]);
        return { arguments: args, violation: 'a' in args ? null : { path: ['a'], message: 'is missing' } };
      },
    },
    registry: { route: (ref, event) => void steps.push(['route', ref, 'arguments' in event && event.arguments]) },
    delivery: { reply: (_to, frame) => void steps.push(frame) },
  };
  return { deps, steps, connected: firstRound.resolve };
}

const checked = (args: object) => ['check', { server: 'demo', toolName: 'add' }, args];
const routed = (args: object | null) => ['route', { owner: 'ann', conversationId: 'c1' }, args];

describe('changed arguments', () => {
  test('are checked against the tool once the servers are known, then routed', async () => {
    const { deps, steps, connected } = createScene();
    const sent = handleRespond(deps, session, 'r', { ...approval, arguments: { a: 7 } });
    await promisesSettled();
    assert.deepEqual(steps, []);
    connected();
    await sent;
    assert.deepEqual(steps, [checked({ a: 7 }), routed({ a: 7 })]);
  });

  test('are rejected with their path if they are invalid, and not routed', async () => {
    const { deps, steps, connected } = createScene();
    connected();
    await handleRespond(deps, session, 'r', { ...approval, arguments: { b: 7 } });
    const error = {
      code: 'invalid_request',
      message: 'payload.arguments.a: is missing.',
      retryable: false,
      data: { path: 'payload.arguments.a' },
    };
    assert.deepEqual(steps, [checked({ b: 7 }), { request_id: 'r', status: 'error', conversation_id: 'c1', error }]);
  });

  test('are not checked for a closed question', async () => {
    const { deps, steps } = createScene('deny');
    await handleRespond(deps, session, 'r', { ...approval, arguments: { a: 7 } });
    assert.deepEqual(steps, [
      { request_id: 'r', status: 'result', conversation_id: 'c1', result: { already: { decision: 'deny' } } },
    ]);
  });
});

test('unchanged arguments are routed without waiting for a server', async () => {
  const { deps, steps } = createScene();
  await handleRespond(deps, session, 'r', { ...approval, arguments: { list: [{ b: 3 }], a: 2 } });
  await handleRespond(deps, session, 'r', approval);
  assert.deepEqual(steps, [routed(null), routed(null)]);
});
