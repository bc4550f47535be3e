/** Tests requests that the server rejects for now: the client reports each delay and sends them again, within limits. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Client } from '../../src/client/client.ts';
import { openConnection } from '../../src/client/connection.ts';
import { ParleyError } from '../../src/client/errors.ts';
import type { RetryWait } from '../../src/client/retry.ts';
import { connectClient, readAll, withCode } from '../support/typed-client.ts';
import { startWire, type Asked } from './wire-server.ts';

type Send = (frame: object) => void;

const refusal = (
  { request_id, payload }: Asked,
  code: string,
  { retryable = true, ...data }: Record<string, unknown> = {},
) => ({
  request_id,
  status: 'error',
  conversation_id: payload['conversation_id'],
  error: { code, message: `Says ${code}.`, retryable, data },
});
const result = ({ request_id }: Asked, answer: object) => ({ request_id, status: 'result', result: answer });

function runTurn({ request_id, payload }: Asked, send: Send): void {
  const turn = { request_id, conversation_id: payload['conversation_id'] };
  send({ ...turn, status: 'processing', seq: 1, metadata: { disposition: 'started' } });
  send({ ...turn, status: 'complete', seq: 2, metadata: {} });
}

/** Rejects everything except cancels, with this code. */
const refuses = (code: string, data: Record<string, unknown> = {}) => ({
  answer: (asked: Asked, send: Send) =>
    send(
      asked.action === 'cancel'
        ? result(asked, { cancelled: [], disposition: 'nothing_running' })
        : refusal(asked, code, data),
    ),
});

/** Resolves when that many delays have started. */
async function inWait({ waits }: { waits: RetryWait[] }, count = 1): Promise<void> {
  while (waits.length < count) await new Promise((resolve) => setImmediate(resolve));
}

function watched(
  t: Parameters<typeof connectClient>[0],
  url: string,
  options: Parameters<typeof connectClient>[2] = {},
) {
  const waits: RetryWait[] = [];
  const client = connectClient(t, url, { onWait: (wait) => waits.push(wait), ...options });
  return Object.assign(client, { waits });
}

describe('a chat that is rejected for now', () => {
  it('is sent again with its id, not before retry_after_ms, and each delay is reported', async (t) => {
    const wire = await startWire(t, {
      answer: (asked, send, count) =>
        count < 3 ? send(refusal(asked, 'overloaded', { retry_after_ms: 20 })) : runTurn(asked, send),
    });
    const client = watched(t, wire.url);
    const own: RetryWait[] = [];
    const turn = client.chat('Hi', { conversationId: 'c1', requestId: 'r1', onWait: (wait) => own.push(wait) });
    await turn.end;
    assert.deepEqual(
      wire.asked.map(({ request_id }) => request_id),
      ['r1', 'r1', 'r1'],
    );
    assert.deepEqual(own, client.waits);
    assert.deepEqual(
      own.map(({ delayMs: _, ...wait }) => wait),
      [1, 2].map((attempt) => ({
        action: 'chat',
        requestId: 'r1',
        conversationId: 'c1',
        code: 'overloaded',
        message: 'Says overloaded.',
        attempt,
      })),
    );
    assert.ok(
      own.every(({ delayMs }) => delayMs >= 20 && delayMs <= 50),
      JSON.stringify(own),
    );
  });

  it('rejects with the last error when the total wait is used up', async (t) => {
    const wire = await startWire(t, refuses('overloaded', { retry_after_ms: 10 }));
    const client = watched(t, wire.url, { retryTimeoutMs: 45 });
    await assert.rejects(client.chat('Hi').end, withCode('overloaded'));
    assert.ok(client.waits.length >= 1 && client.waits.length <= 4, `${client.waits.length} waits`);
    assert.equal(wire.asked.length, client.waits.length + 1);
  });

  for (const [what, retryTimeoutMs, retry_after_ms] of [
    ['asked to wait longer than the total', 1_000, 60_000],
    ['no wait is wanted', 0, 1],
  ] as const) {
    it(`rejects at once if ${what}`, async (t) => {
      const wire = await startWire(t, refuses('conversation_unavailable', { retry_after_ms }));
      const client = watched(t, wire.url, { retryTimeoutMs });
      const turn = client.chat('Hi');
      await assert.rejects(turn.accepted, withCode('conversation_unavailable'));
      await assert.rejects(
        turn.end,
        (error) => error instanceof ParleyError && error.data['retry_after_ms'] === retry_after_ms,
      );
      assert.deepEqual([client.waits, wire.asked.length], [[], 1]);
    });
  }

  it('without retry_after_ms is tried a few times, with growing delays', async (t) => {
    const wire = await startWire(t, refuses('storage_failed'));
    const client = watched(t, wire.url, { reconnect: { minMs: 1, maxMs: 8, random: () => 0 } });
    await assert.rejects(client.chat('Hi').end, withCode('storage_failed'));
    assert.deepEqual(
      client.waits.map(({ delayMs }) => delayMs),
      [1, 2, 4, 8, 8, 8],
    );
  });

  for (const code of ['illegal_in_state', 'mcp_unavailable']) {
    it(`with ${code} rejects at once, because the caller must choose`, async (t) => {
      const wire = await startWire(t, refuses(code));
      await assert.rejects(connectClient(t, wire.url).chat('Hi').end, withCode(code));
      assert.equal(wire.asked.length, 1);
    });
  }

  it('is sent again with the next connection, before retry_after_ms has passed', async (t) => {
    const wire = await startWire(t, {
      answer(asked, send, count) {
        if (count > 1) return runTurn(asked, send);
        send(refusal(asked, 'shutting_down', { retry_after_ms: 600_000 }));
        return wire.closeAll(1012);
      },
    });
    const client = watched(t, wire.url);
    await client.chat('Hi').end;
    assert.deepEqual(
      client.waits.map(({ delayMs }) => delayMs),
      [60_000],
      'no longer than the total',
    );
    assert.equal(wire.sockets, 2);
  });

  it('ends at once by a cancel, which reaches the server too', async (t) => {
    const wire = await startWire(t, refuses('overloaded', { retry_after_ms: 30_000 }));
    const client = watched(t, wire.url);
    const turn = client.chat('Hi', { requestId: 'r1' });
    await inWait(client);
    assert.deepEqual(await turn.cancel(), { cancelled: ['r1'], disposition: 'cancelled' });
    await assert.rejects(turn.end, withCode('aborted'));
    await client.cancel('c1', 'r2');
    assert.deepEqual(wire.asked.map(({ action, payload }) => [action, payload['target']]).slice(0, 2), [
      ['chat', undefined],
      ['cancel', 'r1'],
    ]);
  });

  it('ends at once by its signal, and by closing the client', async (t) => {
    const wire = await startWire(t, refuses('overloaded', { retry_after_ms: 30_000 }));
    const client = watched(t, wire.url);
    const stop = new AbortController();
    const stopped = client.chat('Hi', { signal: stop.signal });
    await inWait(client);
    stop.abort();
    await assert.rejects(stopped.end, withCode('aborted'));
    client.waits.length = 0;
    const [turn, page, follow] = [client.chat('Hi'), client.history('c1'), readAll(client.subscribe('c1'))];
    await inWait(client, 3);
    client.close();
    for (const promise of [turn.end, page, follow]) await assert.rejects(promise, withCode('connection_closed'));
  });
});

const requests: Record<string, (client: Client) => Promise<unknown>> = {
  history: (client) => client.history('c1'),
  conversations: (client) => client.conversations(),
  respond: (client) => client.respond('c1', { interruptId: 'i1', decision: 'approve' }),
  fork: (client) => client.fork('c1', 1),
  delete: (client) => client.delete('c1'),
  cancel: (client) => client.cancel('c1', 'r1'),
  read_resource: (client) => client.readResource('demo', 'memo://x'),
  subscribe: (client) => client.subscribe('c1')[Symbol.asyncIterator]().next(),
};
const answers: Record<string, object> = {
  history: { events: [], next_before_seq: null },
  conversations: { conversations: [], next_cursor: null },
  respond: { accepted: true },
  fork: { conversation_id: 'c2' },
  delete: {},
  cancel: { cancelled: [], disposition: 'nothing_running' },
  read_resource: { contents: [] },
  subscribe: { head_seq: 0, oldest_seq: 1 },
};

describe('a request that is rejected for now', () => {
  for (const [action, ask] of Object.entries(requests)) {
    for (const code of ['shutting_down', 'overloaded']) {
      it(`${action} is sent again after ${code}`, async (t) => {
        const wire = await startWire(t, {
          answer: (asked, send, count) =>
            send(count < 3 ? refusal(asked, code, { retry_after_ms: 1 }) : result(asked, answers[action] ?? {})),
        });
        const client = watched(t, wire.url);
        await ask(client);
        assert.deepEqual(
          client.waits.map((wait) => [wait.action, wait.code]),
          [
            [action, code],
            [action, code],
          ],
        );
        assert.equal(new Set(wire.asked.slice(0, 3).map(({ request_id }) => request_id)).size, 1);
      });
    }
  }

  it('rejects if it is not idempotent and may have been executed', async (t) => {
    const wire = await startWire(t, refuses('conversation_failed'));
    await assert.rejects(connectClient(t, wire.url).fork('c1', 1), withCode('conversation_failed'));
    assert.equal(wire.asked.length, 1);
  });

  it('rejects at once if it is a cancel without target', async (t) => {
    const wire = await startWire(t, {
      answer: (asked, send) => send(refusal(asked, 'overloaded', { retry_after_ms: 1 })),
    });
    await assert.rejects(connectClient(t, wire.url).cancel('c1'), withCode('overloaded'));
    assert.equal(wire.asked.length, 1);
  });

  it('rejects with the last error at its timeout', async (t) => {
    const wire = await startWire(t, refuses('overloaded', { retry_after_ms: 30_000 }));
    await assert.rejects(connectClient(t, wire.url, { requestTimeoutMs: 300 }).history('c1'), withCode('overloaded'));
  });

  it('survives the loss of its socket, also if it is not idempotent', async (t) => {
    const wire = await startWire(t, {
      answer(asked, send, count) {
        if (count > 1) return send(result(asked, { conversation_id: 'c2' }));
        send(refusal(asked, 'shutting_down', { retry_after_ms: 60_000 }));
        return wire.closeAll(1012);
      },
    });
    assert.deepEqual(await connectClient(t, wire.url).fork('c1', 1), { conversation_id: 'c2' });
  });

  it('resolves for a delete whose next try finds no conversation', async (t) => {
    const wire = await startWire(t, {
      answer: (asked, send, count) =>
        send(
          count === 1
            ? refusal(asked, 'shutting_down', { retry_after_ms: 1 })
            : refusal(asked, 'not_found', { retryable: false }),
        ),
    });
    const client = connectClient(t, wire.url);
    await client.delete('c1');
    await assert.rejects(client.delete('c1'), withCode('not_found'), 'without a refusal it was never there');
  });
});

for (const { what, code, clamped } of [
  { what: 'restarts', code: 1012, clamped: true },
  { what: 'crashes', code: 1006, clamped: true },
  { what: 'is full', code: 1013, clamped: false },
]) {
  it(`reconnects with delays that ${clamped ? 'stop growing for a while' : 'grow'} if the server ${what}`, async () => {
    const attempts: number[] = [];
    /** Opens once, is closed, and then finds no server. */
    class Restarting {
      constructor() {
        const isFirst = attempts.length === 0;
        queueMicrotask(() => {
          if (isFirst) this.open();
          this.end({ code: isFirst ? code : 1006, reason: '' });
        });
      }
      open: () => void = () => {};
      end: (event: { code: number; reason: string }) => void = () => {};
      addEventListener(type: string, listener: (event: never) => void): void {
        if (type === 'open') this.open = listener as () => void;
        if (type === 'close') this.end = listener as (event: { code: number; reason: string }) => void;
      }
      send(): void {}
      close(): void {}
    }
    const enough = Promise.withResolvers<void>();
    const connection = openConnection({
      url: 'ws://127.0.0.1:1/',
      protocols: [],
      WebSocket: Restarting,
      attempts: Infinity,
      handshakeMs: 60_000,
      heartbeatMs: 60_000,
      probe: '',
      backoff(attempt) {
        attempts.push(attempt);
        if (attempts.length === 53) enough.resolve();
        return 0;
      },
      onText: () => {},
      onStatus: () => {},
    });
    await enough.promise;
    connection.close();
    assert.deepEqual(
      attempts,
      Array.from({ length: 53 }, (_, failures) => (clamped && failures < 50 ? Math.min(failures, 3) : failures)),
    );
  });
}
