/**
 * A restart under load: 40 clients that ship, 5 turns each, and the server process ended in the middle, gracefully and
 * not, then started again on the same port and database. Every turn completes, and is in the log once.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import Database from 'better-sqlite3';
import type { Waiting } from '../../src/client/patience.ts';
import { sharedOut } from '../support/day.ts';
import { createGate, delta, done, finish, gate, says, streams, usage } from '../support/model-replies.ts';
import { startModelServer } from '../support/model-server.ts';
import { createHome, eventually } from '../support/server-process.ts';
import { connectClient } from '../support/typed-client.ts';

const CLIENTS = 40;
const TURNS = 5;
/** The server is ended when so many turns have ended. */
const MIDDLE = 80;

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A model that repeats what it was told; what begins with "hold" stands before a gate, the first time. */
async function startModel(t: TestContext) {
  const model = await startModelServer();
  t.after(() => model.close());
  const held = createGate();
  let isHeld = false;
  model.script(({ body }) => {
    const text = String(body.messages.at(-1)?.content);
    if (isHeld || !text.startsWith('hold')) return says(text);
    isHeld = true;
    return streams(
      delta({ role: 'assistant', content: '' }),
      gate(held),
      delta({ content: text }),
      finish('stop'),
      usage(),
      done(),
    );
  });
  return { model, held };
}

/** How often each turn is in the log: its message, its answer, its end. */
function countRows(database: string): Map<string, Record<string, number>> {
  const db = new Database(database, { readonly: true });
  const counts = new Map<string, Record<string, number>>();
  for (const row of db
    .prepare(
      "SELECT request_id AS id, coalesce(extra ->> '$.kind', type) AS type, count(*) AS count FROM chat_events GROUP BY 1, 2",
    )
    .all()) {
    const { id, type, count }: { id?: unknown; type?: unknown; count?: unknown } = Object(row);
    counts.set(String(id), { ...counts.get(String(id)), [String(type)]: Number(count) });
  }
  db.close();
  return counts;
}

/** `atOnce`: each client sends its turns all at once, else one after the other. */
async function restart(
  t: TestContext,
  { signal, atOnce, queueLength }: { signal: 'SIGTERM' | 'SIGKILL'; atOnce: boolean; queueLength: number },
) {
  const { model, held } = await startModel(t);
  const home = await createHome(t, {
    modelUrl: model.url,
    config: {
      chat: { websocket: { port: await freePort() }, service: { queue_length: queueLength } },
      shutdown: { drain_timeout: 60 },
    },
  });
  const server = home.start();
  const url = await server.listening;

  const waits: Waiting[] = [];
  let ended = 0;
  const middle = Promise.withResolvers<void>();
  // Where much is refused, a busy machine may take longer than the defaults would wait.
  const patience = atOnce ? { reconnect: { maxMs: 2_000 }, retryTimeoutMs: 100_000 } : { reconnect: {} };
  const connect = () => connectClient(t, url, { ...patience, onWait: (wait) => waits.push(wait) });
  const say = async (client: ReturnType<typeof connect>, who: number, turn: number, text = `turn ${turn}`) => {
    assert.equal(await client.chat(text, { conversationId: `c${who}`, requestId: `r${who}-${turn}` }).text(), text);
    ended += 1;
    if (ended >= MIDDLE) middle.resolve();
  };
  const turns = Array.from({ length: TURNS }, (_, index) => index);
  const talk = async (who: number) => {
    const client = connect();
    if (atOnce) await Promise.all(turns.map((turn) => say(client, who, turn)));
    else for (const turn of turns) await say(client, who, turn);
  };

  // The first client's turn runs while the server is ended, and the others of its conversation are queued behind it.
  const first = connect();
  const firstTurns = turns.map((turn) => say(first, 0, turn, turn === 0 ? 'hold this' : `turn ${turn}`));
  const talks = Promise.all([...firstTurns, ...Array.from({ length: CLIENTS - 1 }, (_, index) => talk(index + 1))]);
  // A failure in the middle of it is told by the await at the end.
  talks.catch(() => middle.resolve());
  await held.reached;
  await middle.promise;

  server.kill(signal);
  if (signal === 'SIGTERM') {
    await eventually(() => server.output.stderr.includes('draining'), 'the drain');
    // The socket of the turn that runs is kept, and a chat that comes over it now is refused.
    const late = first.chat('late', { conversationId: 'late', requestId: 'late' });
    await eventually(
      () => waits.some(({ requestId, code }) => requestId === 'late' && code === 'shutting_down'),
      'the refusal',
    );
    held.open();
    await server.exited;
    const next = home.start();
    assert.equal(await late.text(), 'late');
    await finishUp(next);
  } else {
    await server.exited;
    await finishUp(home.start());
  }

  async function finishUp(next: typeof server) {
    await next.listening;
    await talks;
    next.kill('SIGTERM');
    assert.deepEqual(await next.exited, { code: 0, signal: null });
  }

  const rows = countRows(home.database);
  for (let who = 0; who < CLIENTS; who += 1) {
    for (const turn of turns) {
      const { user_message: messages, assistant_message: answers, turn_end: ends } = rows.get(`r${who}-${turn}`) ?? {};
      assert.deepEqual({ messages, answers, ends }, { messages: 1, answers: 1, ends: 1 }, `r${who}-${turn}`);
    }
  }
  assert.deepEqual(model.violations, []);
  return { waits };
}

/** One with short queues and one without, each day by another signal. */
const notToday = sharedOut(2);

describe('a restart in the middle of 200 turns', () => {
  it(
    'completes each of them once after SIGTERM: waits through the drain, and takes up what was queued',
    { skip: notToday(0) },
    async (t) => {
      const { waits } = await restart(t, { signal: 'SIGTERM', atOnce: false, queueLength: 8 });
      assert.ok(
        waits.every(({ code }) => code === 'shutting_down'),
        JSON.stringify(waits.find(({ code }) => code !== 'shutting_down')),
      );
    },
  );

  it('completes each of them once after SIGKILL', { skip: notToday(1) }, async (t) => {
    await restart(t, { signal: 'SIGKILL', atOnce: false, queueLength: 8 });
  });

  for (const [at, signal] of (['SIGKILL', 'SIGTERM'] as const).entries()) {
    it(
      `completes each of them once after ${signal} where queues are too short for what is sent`,
      { skip: notToday(at) },
      async (t) => {
        const { waits } = await restart(t, { signal, atOnce: true, queueLength: 1 });
        assert.ok(waits.some(({ code }) => code === 'overloaded'));
      },
    );
  }
});
