/** Tool hops from the outside: real MCP servers over stdio, a scripted model that checks every history it gets. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { shapeOf, type Turn } from '../support/client.ts';
import { says } from '../support/model-replies.ts';
import { asks } from '../support/model-tool-calls.ts';
import { demoServer, misbehavingServer, startScripted } from '../support/parley.ts';

function results(turn: Turn) {
  return turn.frames.filter((frame) => frame.chunk?.type === 'tool_result').map((frame) => frame.chunk);
}

describe('a tool hop', () => {
  test('runs the tool and asks the model again', async (t) => {
    const { model, client } = await startScripted(t, { mcpServers: demoServer });
    model.script(asks([{ name: 'add', arguments: { a: 2, b: 3 } }]), says('It is 5.'));
    const turn = await client.chat('add 2 and 3', { conversation_id: 'c1' });
    assert.deepEqual(shapeOf(turn.frames), ['processing', 'tool_call', 'tool_result', 'text', 'complete']);
    const call = turn.frames.find((frame) => frame.chunk?.type === 'tool_call')?.chunk;
    assert.deepEqual(call?.['arguments'], { a: 2, b: 3 });
    assert.equal(call?.['server'], 'demo');
    assert.equal(results(turn)[0]?.data, '5');
    assert.equal(results(turn)[0]?.['call_id'], call?.['call_id']);
    assert.equal(turn.end.metadata?.['tool_hops'], 1);
    assert.equal(turn.end.metadata?.['tokens'], 36, 'the sum over the hops');
    assert.equal(model.requests[1]?.body.messages.at(-1)?.role, 'tool');
  });

  test('runs several calls of one answer in parallel and keeps their order for the model', async (t) => {
    const { model, client } = await startScripted(t, { mcpServers: misbehavingServer() });
    model.script(asks([{ name: 'slow', arguments: { ms: 300 } }, { name: 'slow', arguments: { ms: 301 } }, { name: 'count' }]), says('Done.'));
    const turn = await client.chat('go');
    assert.deepEqual(results(turn).map((chunk) => chunk?.['name']), ['count', 'slow', 'slow'], 'shown as they end');
    const tools = model.requests[1]?.body.messages.filter((message) => message.role === 'tool');
    assert.deepEqual(tools?.map((message) => message.content), ['done', 'done', 'counted'], 'kept in call order');
    const begun = results(turn).reduce((sum, chunk) => sum + Number(chunk?.['duration_ms']), 0);
    assert.ok(begun >= 600, 'each took its time');
  });

  test('shows the model a tool that fails, one that is unknown and arguments that are no JSON', async (t) => {
    const { model, client } = await startScripted(t, { mcpServers: misbehavingServer() });
    model.script(asks([{ name: 'fail' }, { name: 'nonsense' }, { name: 'slow', arguments: '{"ms": oops' }]), says('I see.'));
    const turn = await client.chat('go');
    const byName = Object.fromEntries(results(turn).map((chunk) => [chunk?.['name'], chunk]));
    assert.equal(byName['fail']?.['status'], 'error');
    assert.match(byName['nonsense']?.data ?? '', /no tool "nonsense".*Available: .*slow/);
    assert.match(byName['slow']?.data ?? '', /not a JSON object.*\{"ms": oops/);
    assert.equal(turn.end.status, 'complete');
    const asked = model.requests[1]?.body.messages.find((message) => message.tool_calls)?.tool_calls;
    assert.equal(asked?.[2]?.function.arguments, '{}');
  });

  test('is not made where the arguments do not fit the schema: the model is told where, and corrects them', async (t) => {
    const { model, client } = await startScripted(t, { mcpServers: misbehavingServer() });
    model.script(asks([{ name: 'slow', arguments: { ms: 'soon' } }]), asks([{ name: 'slow', arguments: { ms: 1 } }]), says('There.'));
    const turn = await client.chat('go');
    assert.deepEqual(shapeOf(turn.frames), ['processing', 'tool_result', 'tool_call', 'tool_result', 'text', 'complete'], 'the first was never dispatched');
    assert.deepEqual(results(turn).map((chunk) => chunk?.['status']), ['error', 'ok']);
    assert.match(results(turn)[0]?.data ?? '', /^The tool was not run: its arguments do not fit its schema \(ms: .*Expected "number"\)\. Correct them/);
  });

  test('gives up a call that hangs, tells its server, and goes on', async (t) => {
    const { model, client } = await startScripted(t, { mcpServers: misbehavingServer(), config: { chat: { service: { tools: { timeout: 0.3 } } } } });
    model.script(asks([{ name: 'hang' }]), says('It took too long.'));
    const turn = await client.chat('go');
    assert.equal(results(turn)[0]?.['status'], 'timed_out');
    assert.equal(turn.text, 'It took too long.');
  });

  test('lets a call run on as long as it tells of progress', async (t) => {
    const { model, client } = await startScripted(t, { mcpServers: misbehavingServer(), config: { chat: { service: { tools: { timeout: 1.5, max_timeout: 60 } } } } });
    model.script(asks([{ name: 'progress', arguments: { steps: 30 } }]), says('Done.'));
    const turn = await client.chat('go');
    assert.deepEqual(results(turn).map((chunk) => [chunk?.['status'], chunk?.data]), [['ok', 'all steps']]);
    assert.ok(Number(results(turn)[0]?.['duration_ms']) > 3_000, 'twice its timeout');
  });

  test('says that the outcome is unknown when the server dies under a call, and the next call works', async (t) => {
    const { model, client } = await startScripted(t, { mcpServers: misbehavingServer() });
    model.script(asks([{ name: 'crash' }]), says('Oh.'), asks([{ name: 'count' }]), says('Counted.'));
    const turn = await client.chat('go', { conversation_id: 'c1' });
    assert.equal(results(turn)[0]?.['status'], 'outcome_unknown');
    const next = await client.chat('once more', { conversation_id: 'c1' });
    assert.equal(results(next)[0]?.['status'], 'ok');
  });

  test('makes a lost call once more where that is harmless, by configuration or by hint', async (t) => {
    const { model, client } = await startScripted(t, {
      mcpServers: misbehavingServer(),
      config: { chat: { service: { tools: { repeat: { 'odd.crash': 'always' } } } } },
    });
    model.script(asks([{ name: 'crash' }]), says('Twice is enough.'));
    const turn = await client.chat('go', { conversation_id: 'c1' });
    const calls = turn.frames.filter((frame) => frame.chunk?.type === 'tool_call');
    assert.equal(calls.length, 2, 'both dispatches are rows');
    assert.deepEqual(results(turn).map((chunk) => chunk?.['status']), ['outcome_unknown'], 'and one result');
  });

  test('ends at the limit of hops, every call closed and the limit told', async (t) => {
    const { model, client } = await startScripted(t, { mcpServers: demoServer, config: { chat: { service: { max_tool_hops: 2 } } } });
    model.script(() => asks([{ name: 'add', arguments: { a: 1, b: 1 } }], { say: 'Adding. ' }));
    const turn = await client.chat('add for ever', { conversation_id: 'c1' });
    assert.equal(turn.end.metadata?.['finish_reason'], 'tool_limit_reached');
    assert.equal(turn.end.metadata?.['tool_hops'], 2);
    assert.deepEqual(results(turn).map((chunk) => chunk?.['status']), ['ok', 'ok', 'limit']);
    assert.match(turn.text, /limit of 2 tool hops/);
    model.script(says('Sorry.'), says('unused'));
    assert.equal((await client.chat('why?', { conversation_id: 'c1' })).text, 'Sorry.', 'the transcript is still valid');
  });

  test('runs no tool at all with max_tool_hops 0', async (t) => {
    const { model, client } = await startScripted(t, { mcpServers: demoServer, config: { chat: { service: { max_tool_hops: 0 } } } });
    model.script(asks([{ name: 'add', arguments: { a: 1, b: 1 } }]));
    const turn = await client.chat('add');
    assert.deepEqual(results(turn).map((chunk) => chunk?.['status']), ['limit']);
    assert.equal(turn.end.metadata?.['tool_hops'], 0);
  });

  test('describes to the model what it cannot read, and keeps the whole in the log', async (t) => {
    const { model, client } = await startScripted(t, { mcpServers: misbehavingServer() });
    model.script(asks([{ name: 'gallery' }]), says('Nice.'));
    await client.chat('go', { conversation_id: 'c1' });
    const shown = model.requests[1]?.body.messages.at(-1)?.content;
    assert.equal(shown, 'Look:\n[image: image/png, 3 KB]\n[audio: audio/wav, 3 bytes]\n[resource: c, text/markdown, file:///c.md]\n[resource: file:///a.txt]\ninside');
    const { result } = await client.ask('history', { conversation_id: 'c1' });
    const rows = Object(result).events;
    const whole = rows.find((row: { type: string }) => row.type === 'tool_result').extra.whole;
    assert.deepEqual(whole.content.map((block: { type: string }) => block.type), ['text', 'image', 'audio', 'resource_link', 'resource']);
    assert.equal(whole.content[1].data.length, 4096);
    assert.deepEqual(whole.structuredContent, { pictures: 1 });
  });

  test('tells no more steps of a call than anybody can read', async (t) => {
    const { model, client } = await startScripted(t, { mcpServers: misbehavingServer() });
    model.script(asks([{ name: 'race', arguments: { steps: 5_000 } }]), says('Done.'));
    const turn = await client.chat('go');
    const told = turn.frames.filter((frame) => frame.chunk?.type === 'tool_progress').length;
    assert.ok(told >= 1 && told <= 1 + Number(results(turn)[0]?.['duration_ms']) / 20, `${told} steps were told`);
  });

  test('passes progress on, cut to a line, and cuts an oversized result head and tail', async (t) => {
    const { model, client } = await startScripted(t, { mcpServers: misbehavingServer({ TEST_PROGRESS_CHARS: '2000' }) });
    model.script(asks([{ name: 'progress', arguments: { steps: 3 } }, { name: 'big', arguments: { chars: 100_000 } }]), says('Fine.'));
    const turn = await client.chat('go');
    const progress = turn.frames.filter((frame) => frame.chunk?.type === 'tool_progress').map(({ chunk }) => chunk);
    assert.deepEqual(progress.map((chunk) => chunk?.['progress']), [1, 2, 3]);
    assert.ok(progress.every((chunk) => chunk?.data?.startsWith('step ') && chunk.data.length === 1000));
    const big = results(turn).find((chunk) => chunk?.['name'] === 'big')?.data ?? '';
    assert.ok(big.length < 9000 && big.startsWith('BEGIN') && big.endsWith('END'));
  });
});
