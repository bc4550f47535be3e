/** What becomes of a person's answer before its conversation hears it: looked up, and checked where it changes arguments. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sendResponse, type RespondDeps } from '../../src/gateway/actions/respond.ts';
import { heard } from '../support/machine-conversation.ts';

const question = {
  kind: 'approval_request',
  interrupt_id: 'q1',
  server: 'demo',
  tool_name: 'add',
  arguments: { a: 2, list: [{ b: 3 }] },
};
const session = { id: 's1', subject: 'ann' };
const approval = { conversation_id: 'c1', interrupt_id: 'q1', decision: 'approve', remember: false } as const;

/** Servers that are known when `connected` is called, of which one takes what has an `a`. */
function createDesk(decision: 'deny' | null = null) {
  const firstRound = Promise.withResolvers<void>();
  const steps: unknown[] = [];
  const deps: RespondDeps = {
    store: { interrupt: async () => ({ decision, question }) },
    mcpServers: {
      settled: () => firstRound.promise,
      validateForm: () => null,
      validateChange(tool, args) {
        steps.push(['check', tool, args]);
        return 'a' in args ? null : { path: ['a'], message: 'is missing' };
      },
    },
    registry: { route: (ref, event) => void steps.push(['route', ref, 'arguments' in event && event.arguments]) },
    outbox: { reply: (_to, frame) => void steps.push(frame) },
  };
  return { deps, steps, connected: firstRound.resolve };
}

const checked = (args: object) => ['check', { server: 'demo', toolName: 'add' }, args];
const routed = (args: object | null) => ['route', { owner: 'ann', conversationId: 'c1' }, args];

describe('changed arguments', () => {
  test('are checked against the tool of the question once the servers are known, and then handed on', async () => {
    const { deps, steps, connected } = createDesk();
    const sent = sendResponse(deps, session, 'r', { ...approval, arguments: { a: 7 } });
    await heard();
    assert.deepEqual(steps, []);
    connected();
    await sent;
    assert.deepEqual(steps, [checked({ a: 7 }), routed({ a: 7 })]);
  });

  test('that do not fit go back with their place, and nobody else hears of them', async () => {
    const { deps, steps, connected } = createDesk();
    connected();
    await sendResponse(deps, session, 'r', { ...approval, arguments: { b: 7 } });
    const error = {
      code: 'invalid_request',
      message: 'payload.arguments.a: is missing.',
      retryable: false,
      data: { path: 'payload.arguments.a' },
    };
    assert.deepEqual(steps, [checked({ b: 7 }), { request_id: 'r', status: 'error', conversation_id: 'c1', error }]);
  });

  test('of a question that was answered are not looked at', async () => {
    const { deps, steps } = createDesk('deny');
    await sendResponse(deps, session, 'r', { ...approval, arguments: { a: 7 } });
    assert.deepEqual(steps, [
      { request_id: 'r', status: 'result', conversation_id: 'c1', result: { already: { decision: 'deny' } } },
    ]);
  });
});

test('arguments that are as they were wait for no server', async () => {
  const { deps, steps } = createDesk();
  await sendResponse(deps, session, 'r', { ...approval, arguments: { list: [{ b: 3 }], a: 2 } });
  await sendResponse(deps, session, 'r', approval);
  assert.deepEqual(steps, [routed(null), routed(null)]);
});
