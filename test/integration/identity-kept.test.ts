/** How long a turn is known by its id: over restarts, kill -9 and retention, and for a day at least. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import Database from 'better-sqlite3';
import { sharedOut } from '../support/day.ts';
import { fails, says, saysStepwise, stalls, type Reply } from '../support/model-replies.ts';
import type { ModelServer } from '../support/model-server.ts';
import { serveScripted, type Parley } from '../support/parley.ts';
import { createScriptedHome } from '../support/scripted-home.ts';
import { eventually } from '../support/server-process.ts';
import { connectClient, endOf, readAll, shownText, withCode } from '../support/typed-client.ts';

const r1 = { conversationId: 'c1', requestId: 'r1' };
const r2 = { conversationId: 'c1', requestId: 'r2' };

const endings: { end: string; reply(): Reply; stop?: true }[] = [
  { end: 'an answer', reply: () => says('Hello there.') },
  { end: 'a failure', reply: () => fails(401, 'bad key') },
  { end: 'a cancellation', reply: () => stalls('Once '), stop: true },
];

/** Runs r1 to its end, and tells how a later chat of the same id must be answered. */
async function runToEnd(
  t: TestContext,
  { url, model }: { url: string; model: ModelServer },
  { reply, stop }: (typeof endings)[number],
) {
  model.script(reply());
  const client = connectClient(t, url);
  const turn = client.chat('Hi', r1);
  if (stop) {
    for await (const _ of turn) break;
    await turn.cancel();
  }
  const first = await endOf(client, turn);
  assert.equal(first.replayed, false);
  return async (later: { url: string; rowsAreGone: boolean }) => {
    const asked = model.requests.length;
    const back = connectClient(t, later.url);
    const log = await back.history('c1');
    assert.equal(log.oldest_seq > 1, later.rowsAreGone);
    const { seq, ...told } = first.frame;
    const metadata = { ...('metadata' in told ? told.metadata : {}), replayed: true };
    const frame = later.rowsAreGone ? { ...told, metadata } : { ...told, seq, metadata };
    assert.deepEqual(await endOf(back, back.chat('Hi', r1)), {
      frame,
      text: later.rowsAreGone ? '' : first.text,
      replayed: true,
    });
    await assert.rejects(back.chat('Hi!', r1).end, withCode('request_id_reused'));
    assert.equal((await back.history('c1')).head_seq, log.head_seq, 'nothing was written');
    assert.equal(model.requests.length, asked, 'nobody was asked');
  };
}

/** The server as a process that dies without a word. */
async function startKillable(t: TestContext) {
  const { model, home } = await createScriptedHome(t);
  return {
    model,
    async start() {
      const server = home.start();
      return {
        url: await server.listening,
        async kill() {
          server.kill('SIGKILL');
          await server.exited;
        },
      };
    },
  };
}

/** The next turn's end is when retention looks. */
const nextTurn = (t: TestContext, { url }: Parley) => connectClient(t, url).chat('next', r2).end;

const policies = [
  { retention_policy: 'message_count', max_messages_per_conversation: 2 },
  { retention_policy: 'token_limit', max_tokens_per_conversation: 1 },
  // A millisecond.
  { retention_policy: 'time_based', retention_days: 1e-8 },
];

const passages: {
  after: string;
  rowsAreGone?: true;
  persistence?: object;
  pass(t: TestContext, parley: Parley): Promise<unknown>;
}[] = [
  { after: 'its end', pass: async () => {} },
  { after: 'a restart', pass: (_, parley) => parley.restart() },
  ...policies.map((persistence) => ({
    after: `retention by ${persistence.retention_policy} took its rows`,
    rowsAreGone: true as const,
    persistence,
    pass: nextTurn,
  })),
  {
    after: 'retention took its rows, and a restart',
    rowsAreGone: true,
    persistence: policies[0] ?? {},
    async pass(t, parley) {
      await nextTurn(t, parley);
      await parley.restart();
    },
  },
];

/** Every ending is played each day, and so is every passage. */
const notToday = sharedOut(3);

for (const [at, ending] of endings.entries()) {
  describe(`a turn that ended in ${ending.end} is told anew, and not to another text,`, () => {
    for (const [place, { after, rowsAreGone = false, persistence = {}, pass }] of passages.entries()) {
      test(`after ${after}`, { skip: notToday(at + place) }, async (t) => {
        const { parley, model } = await serveScripted(t, { config: { repository: { persistence } } });
        const isToldAnew = await runToEnd(t, { url: parley.url, model }, ending);
        await pass(t, parley);
        await isToldAnew({ url: parley.url, rowsAreGone });
      });
    }

    test('after kill -9', { skip: notToday(at) }, async (t) => {
      const { model, start } = await startKillable(t);
      const first = await start();
      const isToldAnew = await runToEnd(t, { url: first.url, model }, ending);
      await first.kill();
      await isToldAnew({ url: (await start()).url, rowsAreGone: false });
    });
  });
}

describe('turns that kill -9 cut off, the running one and the one behind it,', () => {
  test('are the same turns for those who come back, and not for another text', async (t) => {
    const { model, start } = await startKillable(t);
    const answer = saysStepwise('The whole ', 'answer.');
    model.script(stalls('never '), answer.reply, says('Second.'));
    const first = await start();
    const client = connectClient(t, first.url);
    const running = client.chat('one', r1);
    for await (const _ of running) break;
    const cursor = running.cursor();
    await client.chat('two', r2).accepted;
    await first.kill();
    client.close();

    const second = await start();
    const back = connectClient(t, second.url);
    const turns = [back.chat('one', { ...r1, cursor }), back.chat('two', r2)] as const;
    assert.deepEqual(await Promise.all(turns.map(({ accepted }) => accepted)), [
      { seq: 1, disposition: 'attached' },
      { seq: 2, disposition: 'attached' },
    ]);
    const other = connectClient(t, second.url);
    for (const again of [r1, r2]) await assert.rejects(other.chat('three', again).end, withCode('request_id_reused'));
    answer.release(2);
    const chunks = await readAll(turns[0]);
    assert.equal(chunks[0]?.type, 'reset', 'what was shown of the lost message is taken back');
    assert.equal(shownText(chunks), 'The whole answer.');
    assert.equal(await turns[1].text(), 'Second.');
    const { events } = await back.history('c1');
    assert.deepEqual(
      events.filter(({ type }) => type === 'user_message').map(({ content }) => content),
      ['one', 'two'],
    );
    assert.equal(model.requests.length, 3);
  });
});

test('an id whose rows are gone is known for a day after its turn has ended; then it is free, and seq goes on', async (t) => {
  const { parley, model } = await serveScripted(t, { config: { repository: { persistence: policies[0] ?? {} } } });
  const client = connectClient(t, parley.url);
  for (const requestId of ['old', 'recent', 'last']) await client.chat('Hi', { conversationId: 'c1', requestId }).end;
  client.close();
  const db = new Database(parley.database);
  t.after(() => db.close());
  // As if the server had been away for so long.
  const moveBack = db.prepare(
    "UPDATE turns SET ended_at = strftime('%Y-%m-%dT%H:%M:%fZ', ended_at, ?) WHERE request_id = ?",
  );
  for (const [age, requestId] of [
    ['-25 hours', 'old'],
    ['-23 hours', 'recent'],
  ])
    assert.equal(moveBack.run(age, requestId).changes, 1);
  await parley.restart();
  const find = db.prepare('SELECT request_id FROM turns WHERE request_id = ?');
  await eventually(() => find.get('old') === undefined, 'the first sweep');

  const back = connectClient(t, parley.url);
  assert.equal((await back.chat('Hi', { conversationId: 'c1', requestId: 'recent' }).end).metadata.replayed, true);
  await assert.rejects(
    back.chat('Hi!', { conversationId: 'c1', requestId: 'recent' }).end,
    withCode('request_id_reused'),
  );
  assert.equal(model.requests.length, 3);
  const anew = back.chat('Something else', { conversationId: 'c1', requestId: 'old' });
  assert.deepEqual(await anew.accepted, { seq: 10, disposition: 'started' });
  assert.equal((await anew.end).metadata.replayed, undefined);
});

test('an id whose rows are gone is judged by what was asked under it, also where there is no room for a new turn', async (t) => {
  const config = { chat: { service: { queue_length: 1 } }, repository: { persistence: policies[0] ?? {} } };
  const { parley, model } = await serveScripted(t, { config });
  const client = connectClient(t, parley.url);
  const chat = (text: string, requestId: string) => client.chat(text, { conversationId: 'c1', requestId });
  for (const requestId of ['old', 'last']) await chat('Hi', requestId).end;
  model.script(stalls('Once '), says('never'));
  await chat('A tale', 'runs').accepted;
  await chat('And then?', 'waits').accepted;
  await assert.rejects(chat('Hi!', 'old').end, withCode('request_id_reused'));
  assert.equal((await chat('Hi', 'old').end).metadata.replayed, true);
  for (const requestId of ['waits', 'runs']) await client.cancel('c1', requestId);
});
