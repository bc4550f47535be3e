/**
 * Checks the server's log: the fields of its lines, the texts and keys that must not be in it, and a reader that stops.
 */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { answersWith, cuts, fails, says } from '../support/model/replies.ts';
import { startModelServer } from '../support/model/server.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer } from '../support/parley.ts';
import { createTempHome } from '../support/temp-home.ts';
import { connectClient, withCode } from '../support/typed-client.ts';

const inC1 = { conversationId: 'c1' };

/** A text that must not be in the log. */
const PRIVATE = 'plover-egg-omelette';
const KEY = 'fake-key-4f1d2c3b5a697887';

async function start(t: TestContext, logging: Record<string, unknown> = {}) {
  const model = await startModelServer();
  t.after(() => model.close());
  const home = await createTempHome(t, {
    mcpServers: demoServer,
    config: {
      logging,
      llm: {
        active: 'scripted',
        retry: { attempts: 1 },
        providers: { scripted: { base_url: model.url, model: 'scripted-model', api_key_env: 'SCRIPTED_KEY' } },
      },
    },
  });
  const server = home.start({ env: { SCRIPTED_KEY: KEY } });
  return { model, server, client: connectClient(t, await server.listening) };
}

/** Stops the server and returns its log, line by line. */
async function logOf({ server }: Pick<Awaited<ReturnType<typeof start>>, 'server'>): Promise<string[]> {
  server.kill('SIGTERM');
  await server.exited;
  return server.output.stderr.trimEnd().split('\n');
}

test('the log is JSON without a terminal, with one line a turn that has its owner, its end and its usage', async (t) => {
  const run = await start(t);
  run.model.script(asks([{ name: 'add', arguments: { a: 2, b: 3 } }]), says('It is 5.'), fails(401, 'bad key'));
  await run.client.chat('add', { ...inC1, requestId: 'r1' }).end;
  await assert.rejects(run.client.chat('again', { ...inC1, requestId: 'r2' }).end, withCode('provider_auth'));
  const lines = (await logOf(run)).map((line): Record<string, unknown> => JSON.parse(line));
  const [first, second, ...others] = lines.filter((line) => line['msg'] === 'turn');
  assert.deepEqual(others, []);
  const { total_ms: totalMs, first_chunk_ms: firstChunkMs, time, ...facts } = first ?? {};
  assert.deepEqual(facts, {
    level: 30,
    subject: 'anonymous',
    conversation: 'c1',
    request: 'r1',
    end: 'stop',
    hops: 1,
    tokens: 36,
    model: 'scripted-model',
    msg: 'turn',
  });
  assert.ok(Number(totalMs) >= Number(firstChunkMs) && Number(firstChunkMs) >= 0 && Number(time) > 1e12);
  assert.partialDeepStrictEqual(second, {
    request: 'r2',
    end: 'provider_auth',
    provider: 'scripted',
    status: 401,
    variable: 'SCRIPTED_KEY',
    reason: 'Provider "scripted" rejected the API key; check the key in SCRIPTED_KEY (401).',
    provider_says: '[redacted]',
  });
});

test("the log has Parley's own reason for every failure of a provider, and never the provider's text", async (t) => {
  const scenarios = [
    [
      fails(400, PRIVATE),
      'Provider "scripted" rejected the request; check llm.providers.scripted and the account (400).',
    ],
    [
      fails(404, PRIVATE, { code: 'model_not_found' }),
      'Provider "scripted" does not offer the model "scripted-model"; set llm.providers.scripted.model (or, if that is right, llm.providers.scripted.base_url) (404).',
    ],
    [fails(500, PRIVATE), 'Provider "scripted" had an internal error; try again (500).'],
    [
      answersWith('text/event-stream', `data: ${PRIVATE}\n\n`),
      'Provider "scripted" sent invalid data instead of a chunk of an answer.',
    ],
    [
      answersWith('text/html', PRIVATE),
      'Provider "scripted" answered with something other than a chat completion (text/html). Check llm.providers.scripted.base_url.',
    ],
    [cuts('torn', PRIVATE), 'Provider "scripted" ended the stream before its answer was finished. Try again.'],
  ] as const;
  const run = await start(t);
  run.model.script(...scenarios.map(([reply]) => reply));
  for (const _ of scenarios) await assert.rejects(run.client.chat(PRIVATE, inC1).end);
  const lines = (await logOf(run))
    .map((line): Record<string, unknown> => JSON.parse(line))
    .filter((line) => line['msg'] === 'turn');
  assert.deepEqual(
    lines.map((line) => line['reason']),
    scenarios.map(([, reason]) => reason),
  );
  assert.ok(!JSON.stringify(lines).includes(PRIVATE));
});

describe('texts and keys', () => {
  const failures = [
    asks([{ name: 'word_count', arguments: { text: PRIVATE } }], { say: PRIVATE }),
    says(PRIVATE, { reasoning: PRIVATE }),
    asks([{ name: 'nonsense', arguments: `{"text": ${PRIVATE}` }]),
    fails(400, `you said ${PRIVATE} under the key ${KEY}`),
    fails(401, `the key ${KEY} is wrong`),
    answersWith('text/event-stream', `data: ${PRIVATE}\n\n`),
    cuts('torn', PRIVATE),
  ];

  test('are not in the log after any failure and at any level', async (t) => {
    const run = await start(t, { level: 'trace' });
    run.model.script(...failures);
    for (let turn = 0; turn < failures.length - 2; turn += 1)
      await run.client.chat(`about ${PRIVATE}`, { ...inC1, metadata: { note: PRIVATE } }).end.catch(() => undefined);
    // The shipped client sends no such frame.
    const plain = await run.server.connect();
    plain.socket.send(`{"action": "chat", "payload": "${PRIVATE}`);
    await plain.waitFor((frame) => frame.error?.code === 'invalid_json');
    const log = (await logOf(run)).join('\n');
    assert.equal(run.model.requests[0]?.headers.authorization, `Bearer ${KEY}`, 'the key was in use');
    assert.ok(log.split('"msg":"turn"').length - 1 >= failures.length - 2, log);
    assert.ok(!log.includes(PRIVATE), log);
    assert.ok(!log.includes(KEY), log);
  });

  test('differ in one setting: the configuration can allow texts, but never keys', async (t) => {
    const run = await start(t, { include_content: true });
    run.model.script(fails(400, `you said ${PRIVATE} under the key ${KEY}`));
    await assert.rejects(run.client.chat(`about ${PRIVATE}`).end);
    const log = (await logOf(run)).join('\n');
    assert.ok(log.includes(PRIVATE) && !log.includes(KEY), log);
  });
});

test('the level of the log comes from the configuration', async (t) => {
  const run = await start(t, { level: 'silent' });
  await run.client.chat('Hi').end;
  assert.deepEqual(await logOf(run), ['']);
});

test('the log is formatted for terminals if the configuration says so', async (t) => {
  const run = await start(t, { format: 'pretty' });
  await run.client.chat('Hi', inC1).end;
  const log = (await logOf(run)).join('\n');
  assert.match(log, /^\[\d\d:\d\d:\d\d\].* INFO.*: .*turn/m);
  assert.match(log, /turn .*"conversation":"c1"/);
});

test('the server does not wait for a reader of its log that has stopped reading', async (t) => {
  const home = await createTempHome(t);
  const server = home.start({ readStderr: false });
  const client = connectClient(t, await server.listening);
  // More than a pipe holds: a line is more than twice as long as an id.
  const long = 'x'.repeat(120);
  for (let turn = 0; turn < 300; turn += 1)
    await client.chat('Hi', { conversationId: `${long}${turn % 4}`, requestId: `${long}${turn}` }).end;
});
