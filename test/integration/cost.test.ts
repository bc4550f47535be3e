/** What turns use and cost, as everybody is told it: by hop, by turn, by conversation and on /metrics; and budgets. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { readMetrics } from '../support/metrics.ts';
import { createGate, cuts, delta, done, fails, finish, gate, says, streams, text, usage } from '../support/model-replies.ts';
import { asks, callParts } from '../support/model-tool-calls.ts';
import { demoServer, startScripted } from '../support/parley.ts';
import { startTyped } from '../support/typed-client.ts';

/** A scripted answer reports 11 and 7 tokens: 0.000025. */
const prices = { 'scripted-model': { input: 1, cached_input: 0.5, output: 2 } };
const priced = (service: object = {}) => ({ config: { llm: { providers: { scripted: { prices } } }, chat: { service } } });
const add = asks([{ name: 'add', arguments: { a: 2, b: 3 } }]);
const spentIn = (result: unknown) => z.object({ conversations: z.tuple([z.object({ spent_tokens: z.number() })]) }).parse(result).conversations[0].spent_tokens;
const reporting = (counts: Record<string, unknown>) => streams(text('Yes.'), finish('stop'), usage(counts), done());

test('complete tells tokens and cost, in sum and by hop, and each row has those of its own request', async (t) => {
  const { client, model } = await startScripted(t, { mcpServers: demoServer, ...priced() });
  model.script(add, reporting({
    prompt_tokens: 100, completion_tokens: 20, total_tokens: 120,
    prompt_tokens_details: { cached_tokens: 40 }, completion_tokens_details: { reasoning_tokens: 5 },
  }));
  const { end } = await client.chat('Add', { conversation_id: 'c1' });
  const first = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18, cost: 0.000025 };
  const second = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120, cached_tokens: 40, reasoning_tokens: 5, cost: 0.00012 };
  assert.partialDeepStrictEqual(end.metadata, {
    tokens: 138,
    usage: { prompt_tokens: 111, completion_tokens: 27, total_tokens: 138, cached_tokens: 40, reasoning_tokens: 5, cost: 0.000145 },
    usage_by_hop: [{ hop: 0, model: 'scripted-model', usage: first }, { hop: 1, model: 'scripted-model', usage: second }],
  });
  const { result } = await client.ask('history', { conversation_id: 'c1' });
  const used = (Array.isArray(result?.['events']) ? result['events'] : []).flatMap(({ usage }) => (usage ? [usage] : []));
  assert.deepEqual(used, [first, second]);
});

test('a turn that fails tells what it took until then, and so does its end when it is asked for again', async (t) => {
  const { client, model } = await startTyped(t, { mcpServers: demoServer, ...priced() });
  model.script(add, fails(401, 'no such key'));
  const turn = () => client.chat('Add', { conversationId: 'c1', requestId: 'r1' });
  const usage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18, cost: 0.000025 };
  const totals = { tokens: 18, usage, usage_by_hop: [{ hop: 0, model: 'scripted-model', usage }], model: 'scripted-model', tool_hops: 1 };
  await assert.rejects(turn().end, { code: 'provider_auth', totals, replayed: false });
  await assert.rejects(turn().end, { code: 'provider_auth', totals, replayed: true });
});

test('conversations tells what each has spent, also when its rows are gone and after a restart', async (t) => {
  const { client, parley } = await startScripted(t, {
    config: { ...priced().config, repository: { persistence: { retention_policy: 'message_count', max_messages_per_conversation: 2 } } },
  });
  for (let turn = 0; turn < 3; turn += 1) await client.chat('Hi', { conversation_id: 'c1' });
  const spent = { spent_tokens: 54, cost: 0.000075, message_count: 2 };
  assert.partialDeepStrictEqual((await client.ask('conversations')).result, { conversations: [spent] });
  await parley.restart();
  assert.partialDeepStrictEqual((await (await parley.connect()).ask('conversations')).result, { conversations: [spent] });
});

test('metrics count tokens and cost by provider and model, of turns that fail too, and how good the estimates are', async (t) => {
  const { client, model, parley } = await startScripted(t, priced());
  model.script(says('Yes.'), cuts('torn', 'Once '));
  await client.chat('Hi', { conversation_id: 'c1' });
  assert.equal((await client.chat('Hi', { conversation_id: 'c1' })).end.status, 'error');
  const samples = await readMetrics(parley.url);
  const of = (kind: string) => samples.get(`parley_tokens_total{kind="${kind}",provider="scripted",model="scripted-model"}`) ?? 0;
  assert.ok(of('prompt') > 11, 'the cut answer is counted, by an estimate');
  assert.ok(of('completion') > 7);
  assert.ok((samples.get('parley_cost_total{provider="scripted",model="scripted-model"}') ?? 0) > 0.000025);
  assert.equal(samples.get('parley_estimate_ratio_count{provider="scripted"}'), 1, 'what was reported once');
  assert.ok((samples.get('parley_estimate_ratio_sum{provider="scripted"}') ?? 0) > 0);
});

test('what a provider does not report is estimated: words, thoughts and calls, and the thoughts of an answer that is stopped', async (t) => {
  const { client, model, parley } = await startScripted(t, { mcpServers: demoServer, ...priced() });
  const thinking = createGate();
  model.script(streams(callParts([{ name: 'add', arguments: { a: 2, b: 3 } }], 'split'), finish('tool_calls'), done()), says('Five.', { usage: 'none', reasoning: 'Hm.' }));
  const { end } = await client.chat('Add', { conversation_id: 'c1' });
  const usages = z.array(z.object({ usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number(), cost: z.number(), estimated: z.literal(true) }) })).parse(end.metadata?.['usage_by_hop']);
  assert.ok(usages.length === 2 && usages.every(({ usage }) => usage.prompt_tokens > 50 && usage.completion_tokens > 0 && usage.cost > 0), JSON.stringify(usages));
  const before = (await client.ask('conversations')).result;
  model.script(streams(delta({ reasoning_content: 'Let me think about that.' }), gate(thinking), done()));
  client.send('chat', { text: 'Hi', conversation_id: 'c1' }, 'r2');
  await client.waitFor(({ chunk, request_id: id }) => id === 'r2' && chunk?.type === 'reasoning');
  await client.ask('cancel', { conversation_id: 'c1' });
  const stopped = (await client.turn('r2')).end;
  assert.equal(stopped.metadata?.['finish_reason'], 'cancelled');
  assert.ok(Number(stopped.metadata?.['tokens']) > 50);
  assert.equal(spentIn((await client.ask('conversations')).result), spentIn(before) + Number(stopped.metadata?.['tokens']), 'though it leaves no row of its own');
  thinking.open();
  assert.equal((await readMetrics(parley.url)).get('parley_estimate_ratio_count{provider="scripted"}'), undefined, 'nothing to compare with');
});

test('a model without a price costs nothing that anybody could tell', async (t) => {
  const { client, parley } = await startScripted(t);
  const { end } = await client.chat('Hi', { conversation_id: 'c1' });
  assert.deepEqual(end.metadata?.['usage'], { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 });
  assert.equal([...(await readMetrics(parley.url)).keys()].some((name) => name.startsWith('parley_cost_total{')), false);
  assert.partialDeepStrictEqual((await client.ask('conversations')).result, { conversations: [{ spent_tokens: 18, cost: 0 }] });
});

describe('a budget', () => {
  test('of a turn ends it before the model is asked again, and the next turn has one of its own', async (t) => {
    const { client, model } = await startScripted(t, { mcpServers: demoServer, ...priced({ budget: { turn_tokens: 18 } }) });
    model.script(add, says('Well.'));
    const { end } = await client.chat('Add', { conversation_id: 'c1' });
    assert.deepEqual([end.error?.code, end.error?.data], ['budget_exceeded', { budget: 'turn_tokens', limit: 18, used: 18 }]);
    assert.equal(model.requests.length, 1);
    assert.equal((await client.chat('Hi', { conversation_id: 'c1' })).text, 'Well.');
  });

  test('of a conversation holds over its turns and over a restart, and no other conversation has to do with it', async (t) => {
    const { client, model, parley } = await startScripted(t, priced({ budget: { conversation_cost: 0.00005 } }));
    for (const id of ['r1', 'r2']) assert.equal((await client.chat('Hi', { conversation_id: 'c1' }, id)).end.status, 'complete');
    const refused = async (from: typeof client) => (await from.chat('Hi', { conversation_id: 'c1' })).end.error;
    assert.partialDeepStrictEqual(await refused(client), { code: 'budget_exceeded', data: { budget: 'conversation_cost', limit: 0.00005, used: 0.00005 } });
    await parley.restart();
    const again = await parley.connect();
    assert.equal((await refused(again))?.code, 'budget_exceeded');
    assert.equal((await again.chat('Hi', { conversation_id: 'c2' })).end.status, 'complete');
    assert.equal(model.requests.length, 3);
  });
});
