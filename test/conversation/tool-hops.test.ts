/**
 * Checks tool hops in the whole server: real MCP servers over stdio, and a scripted model that checks every history.
 */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { Turn } from '../../src/client/turn.ts';
import type { Chunk } from '../../src/protocol/chunks.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer, misbehavingServer } from '../support/parley.ts';
import { shareScripted } from '../support/share-scripted.ts';
import { connectClient, readAll, shownText, startTyped } from '../support/typed-client.ts';

/** Runs a turn to its end and returns its frames and results. */
async function live(turn: Turn) {
  const chunks = await readAll(turn);
  const ofType = <Type extends Chunk['type']>(type: Type) =>
    chunks.filter((chunk): chunk is Extract<Chunk, { type: Type }> => chunk.type === type);
  return {
    shape: shapeOf(chunks),
    calls: ofType('tool_call'),
    progress: ofType('tool_progress'),
    results: ofType('tool_result'),
    text: shownText(chunks),
    ...(await turn.end).metadata,
  };
}

/** The kinds of frames, repeats merged. */
const shapeOf = (chunks: readonly Chunk[]) =>
  chunks.map(({ type }) => type).filter((type, at, types) => type !== types[at - 1]);

const shared = shareScripted();

/** For tests whose calls leave the MCP server as it was. */
async function startShared(t: TestContext) {
  const given = await shared(t, { mcpServers: misbehavingServer() });
  return { ...given, client: connectClient(t, given.parley.url) };
}

const inC1 = { conversationId: 'c1' };

describe('a tool hop', () => {
  test('runs the tool and asks the model again', async (t) => {
    const { model, client } = await startTyped(t, { mcpServers: demoServer });
    model.script(asks([{ name: 'add', arguments: { a: 2, b: 3 } }]), says('It is 5.'));
    const turn = await live(client.chat('add 2 and 3', inC1));
    assert.deepEqual(turn.shape, ['tool_call', 'tool_result', 'text']);
    const [call] = turn.calls;
    assert.deepEqual(call?.arguments, { a: 2, b: 3 });
    assert.equal(call?.server, 'demo');
    assert.equal(turn.results[0]?.data, '5');
    assert.equal(turn.results[0]?.call_id, call?.call_id);
    assert.equal(turn.tool_hops, 1);
    assert.equal(turn.tokens, 36, 'the sum over the hops');
    assert.equal(model.requests[1]?.body.messages.at(-1)?.role, 'tool');
  });

  test('runs several calls of one answer in parallel and keeps their order for the model', async (t) => {
    const { model, client } = await startShared(t);
    model.script(
      asks([{ name: 'slow', arguments: { ms: 300 } }, { name: 'slow', arguments: { ms: 301 } }, { name: 'count' }]),
      says('Done.'),
    );
    const turn = await live(client.chat('go'));
    assert.deepEqual(
      turn.results.map(({ name }) => name),
      ['count', 'slow', 'slow'],
      'shown as they end',
    );
    const tools = model.requests[1]?.body.messages.filter((message) => message.role === 'tool');
    assert.deepEqual(
      tools?.map((message) => message.content),
      ['done', 'done', 'counted'],
      'kept in call order',
    );
    const begun = turn.results.reduce((sum, chunk) => sum + chunk.duration_ms, 0);
    assert.ok(begun >= 600, 'each took its time');
  });

  test('sends the model a failed call, an unknown tool and arguments that are no JSON', async (t) => {
    const { model, client } = await startShared(t);
    model.script(
      asks([{ name: 'fail' }, { name: 'nonsense' }, { name: 'slow', arguments: '{"ms": oops' }]),
      says('I see.'),
    );
    const turn = await live(client.chat('go'));
    const byName = Object.fromEntries(turn.results.map((chunk) => [chunk.name, chunk]));
    assert.equal(byName['fail']?.status, 'error');
    assert.match(byName['nonsense']?.data ?? '', /no tool "nonsense".*Available: .*slow/);
    assert.match(byName['slow']?.data ?? '', /not a JSON object.*\{"ms": oops/);
    assert.equal(turn.finish_reason, 'stop');
    const asked = model.requests[1]?.body.messages.find((message) => message.tool_calls)?.tool_calls;
    assert.equal(asked?.[2]?.function.arguments, '{}');
  });

  test('does not run with invalid arguments: the model gets the path, and corrects them', async (t) => {
    const { model, client } = await startShared(t);
    model.script(
      asks([{ name: 'slow', arguments: { ms: 'soon' } }]),
      asks([{ name: 'slow', arguments: { ms: 1 } }]),
      says('There.'),
    );
    const turn = await live(client.chat('go'));
    assert.deepEqual(turn.shape, ['tool_result', 'tool_call', 'tool_result', 'text'], 'the first was never dispatched');
    assert.deepEqual(
      turn.results.map(({ status }) => status),
      ['error', 'ok'],
    );
    assert.match(
      turn.results[0]?.data ?? '',
      /^The tool was not run: its arguments do not fit its schema \(ms: .*Expected "number"\)\. Correct them/,
    );
  });

  test('times out a call that hangs, cancels it at its server, and continues', async (t) => {
    const { model, client } = await startTyped(t, {
      mcpServers: misbehavingServer(),
      config: { chat: { service: { tools: { timeout: 0.3 } } } },
    });
    model.script(asks([{ name: 'hang' }]), says('It took too long.'));
    const turn = await live(client.chat('go'));
    assert.equal(turn.results[0]?.status, 'timed_out');
    assert.equal(turn.text, 'It took too long.');
  });

  test('lets a call run as long as it reports progress', async (t) => {
    const { model, client } = await startTyped(t, {
      mcpServers: misbehavingServer(),
      config: { chat: { service: { tools: { timeout: 1.5, max_timeout: 60 } } } },
    });
    model.script(asks([{ name: 'progress', arguments: { steps: 30 } }]), says('Done.'));
    const turn = await live(client.chat('go'));
    assert.deepEqual(
      turn.results.map((chunk) => [chunk.status, chunk.data]),
      [['ok', 'all steps']],
    );
    assert.ok(Number(turn.results[0]?.duration_ms) > 3_000, 'twice its timeout');
  });

  test('reports an unknown outcome when the server exits during a call, and the next call works', async (t) => {
    const { model, client } = await startTyped(t, { mcpServers: misbehavingServer() });
    model.script(asks([{ name: 'crash' }]), says('Oh.'), asks([{ name: 'count' }]), says('Counted.'));
    const turn = await live(client.chat('go', inC1));
    assert.equal(turn.results[0]?.status, 'outcome_unknown');
    const next = await live(client.chat('once more', inC1));
    assert.equal(next.results[0]?.status, 'ok');
  });

  test('repeats a lost call once if it is idempotent, by configuration or by hint', async (t) => {
    const { model, client } = await startTyped(t, {
      mcpServers: misbehavingServer(),
      config: { chat: { service: { tools: { repeat: { 'odd.crash': 'always' } } } } },
    });
    model.script(asks([{ name: 'crash' }]), says('Twice is enough.'));
    const turn = await live(client.chat('go', inC1));
    assert.equal(turn.calls.length, 2, 'both dispatches are rows');
    assert.deepEqual(
      turn.results.map(({ status }) => status),
      ['outcome_unknown'],
      'and one result',
    );
  });

  test('ends at the limit of hops, with every call closed and the limit reported', async (t) => {
    const { model, client } = await startTyped(t, {
      mcpServers: demoServer,
      config: { chat: { service: { max_tool_hops: 2 } } },
    });
    model.script(() => asks([{ name: 'add', arguments: { a: 1, b: 1 } }], { say: 'Adding. ' }));
    const turn = await live(client.chat('add for ever', inC1));
    assert.equal(turn.finish_reason, 'tool_limit_reached');
    assert.equal(turn.tool_hops, 2);
    assert.deepEqual(
      turn.results.map(({ status }) => status),
      ['ok', 'ok', 'limit'],
    );
    assert.match(turn.text, /limit of 2 tool hops/);
    model.script(says('Sorry.'), says('unused'));
    assert.equal(await client.chat('why?', inC1).text(), 'Sorry.', 'the transcript is still valid');
  });

  test('runs no tool at all with max_tool_hops 0', async (t) => {
    const { model, client } = await startTyped(t, {
      mcpServers: demoServer,
      config: { chat: { service: { max_tool_hops: 0 } } },
    });
    model.script(asks([{ name: 'add', arguments: { a: 1, b: 1 } }]));
    const turn = await live(client.chat('add'));
    assert.deepEqual(
      turn.results.map(({ status }) => status),
      ['limit'],
    );
    assert.equal(turn.tool_hops, 0);
  });

  test('describes content that the model cannot read, and keeps all of it in the log', async (t) => {
    const { model, client, c1, inC1: inOwn } = await startShared(t);
    model.script(asks([{ name: 'gallery' }]), says('Nice.'));
    await client.chat('go', inOwn).end;
    const shown = model.requests[1]?.body.messages.find(({ role }) => role === 'tool')?.content;
    assert.equal(
      shown,
      'Look:\n[image: image/png, 3 KB]\n[audio: audio/wav, 3 bytes]\n[resource: c, text/markdown, file:///c.md]\n[resource: file:///a.txt]\ninside',
    );
    const { events } = await client.history(c1);
    const whole = Object(events.find(({ type }) => type === 'tool_result')?.extra?.['whole']);
    assert.deepEqual(
      whole.content.map((block: { type: string }) => block.type),
      ['text', 'image', 'audio', 'resource_link', 'resource'],
    );
    assert.equal(whole.content[1].data.length, 4096);
    assert.deepEqual(whole.structuredContent, { pictures: 1 });
  });

  test("limits the rate of a call's progress chunks", async (t) => {
    const { model, client } = await startShared(t);
    model.script(asks([{ name: 'race', arguments: { steps: 5_000 } }]), says('Done.'));
    const turn = await live(client.chat('go'));
    const progressCount = turn.progress.length;
    assert.ok(
      progressCount >= 1 && progressCount <= 1 + Number(turn.results[0]?.duration_ms) / 20,
      `${progressCount} progress chunks arrived`,
    );
  });

  test('forwards progress as single lines, and cuts the middle of an oversized result', async (t) => {
    const { model, client } = await startTyped(t, { mcpServers: misbehavingServer({ TEST_PROGRESS_CHARS: '2000' }) });
    model.script(
      asks([
        { name: 'progress', arguments: { steps: 3 } },
        { name: 'big', arguments: { chars: 100_000 } },
      ]),
      says('Fine.'),
    );
    const turn = await live(client.chat('go'));
    // A busy machine sends two steps within one interval of the rate limit: then the later one is left out.
    const steps = turn.progress.map(({ progress }) => Number(progress));
    assert.equal(steps[0], 1);
    assert.deepEqual(
      steps,
      [1, 2, 3].filter((step) => steps.includes(step)),
    );
    assert.ok(turn.progress.every(({ data }) => data?.startsWith('step ') && data.length === 1000));
    const big = turn.results.find(({ name }) => name === 'big')?.data ?? '';
    assert.ok(big.length < 9000 && big.startsWith('BEGIN') && big.endsWith('END'));
  });
});
