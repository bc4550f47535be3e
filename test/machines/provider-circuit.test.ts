/** Tests the circuit of a provider with a table: every state, every event, and the timer. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SimulatedClock, createActor } from 'xstate';
import { providerCircuitMachine, type CircuitEvent } from '../../machines/provider-circuit.ts';

const failed = { type: 'request.failed', code: 'provider_failed', by: null } as const;
const succeeded = { type: 'request.succeeded' } as const;
const began = { type: 'probe.began' } as const;

/** The shipping chart, which opens at the second failure in a row and cools down for a second. */
function start() {
  const clock = new SimulatedClock();
  const actor = createActor(providerCircuitMachine, { clock, input: { failures: 2, cooldownMs: 1_000 } });
  actor.start();
  return {
    send: (...events: CircuitEvent[]) => events.forEach((event) => actor.send(event)),
    wait: (ms: number) => clock.increment(ms),
    state: () => actor.getSnapshot().value,
    context: () => actor.getSnapshot().context,
  };
}

type Box = ReturnType<typeof start>;

const routes: Record<string, (box: Box) => void> = {
  closed: () => undefined,
  open: ({ send }) => send(failed, failed),
  halfOpen({ send, wait }) {
    send(failed, failed);
    wait(1_000);
  },
  probing({ send, wait }) {
    send(failed, failed);
    wait(1_000);
    send(began);
  },
};

describe('each state takes each event', () => {
  const stay = {
    'request.succeeded': null,
    'request.failed': null,
    'probe.began': null,
    'probe.succeeded': null,
    'probe.failed': null,
    'probe.aborted': null,
  };
  const table: Record<string, Record<CircuitEvent['type'], string | null>> = {
    closed: stay,
    open: stay,
    halfOpen: { ...stay, 'probe.began': 'probing' },
    probing: { ...stay, 'probe.succeeded': 'closed', 'probe.failed': 'open', 'probe.aborted': 'halfOpen' },
  };
  const events: CircuitEvent[] = [
    succeeded,
    failed,
    began,
    { type: 'probe.succeeded' },
    { type: 'probe.failed', code: 'provider_timeout' },
    { type: 'probe.aborted' },
  ];
  for (const [state, way] of Object.entries(routes)) {
    for (const event of events) {
      const target = table[state]?.[event.type] ?? state;
      test(`${state}: ${event.type} leads to ${target}`, () => {
        const box = start();
        way(box);
        assert.equal(box.state(), state);
        box.send(event);
        assert.equal(box.state(), target);
      });
    }
  }
});

test('only failures in a row open it', () => {
  const box = start();
  box.send(failed, succeeded, failed);
  assert.deepEqual([box.state(), box.context().failed, box.context().lastError], ['closed', 1, 'provider_failed']);
  box.send(failed);
  assert.equal(box.state(), 'open');
});

test('an open one cools down for its time, and after a probe that failed for as long again', () => {
  const box = start();
  routes['open']?.(box);
  box.wait(999);
  assert.equal(box.state(), 'open');
  box.wait(1);
  assert.equal(box.state(), 'halfOpen');
  box.send(began, { type: 'probe.failed', code: 'provider_timeout' });
  assert.equal(box.context().lastError, 'provider_timeout');
  box.wait(999);
  assert.equal(box.state(), 'open');
  box.wait(1);
  assert.equal(box.state(), 'halfOpen');
});

test('a probe that succeeds forgets what was', () => {
  const box = start();
  routes['probing']?.(box);
  box.send({ type: 'probe.succeeded' });
  assert.deepEqual([box.state(), box.context().failed, box.context().lastError], ['closed', 0, null]);
  box.send(failed);
  assert.equal(box.state(), 'closed');
});

describe('failures of one conversation', () => {
  const failedBy = (by: string) => ({ type: 'request.failed', code: 'provider_failed', by }) as const;

  test('count once, however often its request fails', () => {
    const { send, state } = start();
    send(failedBy('a'), failedBy('a'), failedBy('a'));
    assert.equal(state(), 'closed');
  });

  test('open the circuit together with failures of another conversation', () => {
    const { send, state } = start();
    send(failedBy('a'), failedBy('b'));
    assert.equal(state(), 'open');
  });

  test('count again after a success', () => {
    const { send, state, context } = start();
    send(failedBy('a'), succeeded, failedBy('a'));
    assert.equal(state(), 'closed');
    assert.equal(context().failed, 1);
  });
});
