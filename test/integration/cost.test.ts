/** Checks reported usage and cost by hop, turn and conversation and on /metrics, and budgets. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readMetrics } from '../support/metrics.ts';
import {
  createGate,
  cuts,
  delta,
  done,
  fails,
  finish,
  gate,
  says,
  streams,
  text,
  usage,
} from '../support/model/replies.ts';
import { asks, callParts } from '../support/model/tool-calls.ts';
import { demoServer } from '../support/parley.ts';
import { connectClient, startTyped, withCode, type RecordedClient } from '../support/typed-client.ts';

const inC1 = { conversationId: 'c1' };

/** A scripted answer reports 11 and 7 tokens, which cost 0.000025. */
const prices = { 'scripted-model': { input: 1, cached_input: 0.5, output: 2 } };
const priced = (service: object = {}) => ({
  config: { llm: { providers: { scripted: { prices } } }, chat: { service } },
});
const add = asks([{ name: 'add', arguments: { a: 2, b: 3 } }]);
/** The usage of the only conversation. */
async function only(client: RecordedClient) {
  const { conversations } = await client.conversations();
  assert.equal(conversations.length, 1);
  return conversations[0];
}
const reporting = (counts: Record<string, unknown>) => streams(text('Yes.'), finish('stop'), usage(counts), done());

test('complete reports tokens and cost in sum and by hop, and each row has those of its own request', async (t) => {
  const { client, model } = await startTyped(t, { mcpServers: demoServer, ...priced() });
  model.script(
    add,
    reporting({
      prompt_tokens: 100,
      completion_tokens: 20,
      total_tokens: 120,
      prompt_tokens_details: { cached_tokens: 40 },
      completion_tokens_details: { reasoning_tokens: 5 },
    }),
  );
  const { metadata } = await client.chat('Add', inC1).end;
  const first = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18, cost: 0.000025 };
  const second = {
    prompt_tokens: 100,
    completion_tokens: 20,
    total_tokens: 120,
    cached_tokens: 40,
    reasoning_tokens: 5,
    cost: 0.00012,
  };
  assert.partialDeepStrictEqual(metadata, {
    tokens: 138,
    usage: {
      prompt_tokens: 111,
      completion_tokens: 27,
      total_tokens: 138,
      cached_tokens: 40,
      reasoning_tokens: 5,
      cost: 0.000145,
    },
    usage_by_hop: [
      { hop: 0, model: 'scripted-model', usage: first },
      { hop: 1, model: 'scripted-model', usage: second },
    ],
  });
  const used = (await client.history('c1')).events.flatMap(({ usage }) => (usage ? [usage] : []));
  assert.deepEqual(used, [first, second]);
});

test('a failed turn reports the tokens used before the failure, also when the same chat is sent again', async (t) => {
  const { client, model } = await startTyped(t, { mcpServers: demoServer, ...priced() });
  model.script(add, fails(401, 'no such key'));
  const turn = () => client.chat('Add', { ...inC1, requestId: 'r1' });
  const usage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18, cost: 0.000025 };
  const totals = {
    tokens: 18,
    usage,
    usage_by_hop: [{ hop: 0, model: 'scripted-model', usage }],
    model: 'scripted-model',
    tool_hops: 1,
  };
  await assert.rejects(turn().end, { code: 'provider_auth', totals, replayed: false });
  await assert.rejects(turn().end, { code: 'provider_auth', totals, replayed: true });
});

test('conversations lists what each has spent, also after retention and after a restart', async (t) => {
  const { client, parley } = await startTyped(t, {
    config: {
      ...priced().config,
      repository: { persistence: { retention_policy: 'message_count', max_messages_per_conversation: 2 } },
    },
  });
  for (let turn = 0; turn < 3; turn += 1) await client.chat('Hi', inC1).end;
  const spent = { spent_tokens: 54, cost: 0.000075, message_count: 2 };
  assert.partialDeepStrictEqual(await only(client), spent);
  await parley.restart();
  assert.partialDeepStrictEqual(await only(connectClient(t, parley.url)), spent);
});

test('metrics count tokens and cost by provider and model, also of failed turns, and the error of the estimates', async (t) => {
  const { client, model, parley } = await startTyped(t, priced());
  model.script(says('Yes.'), cuts('torn', 'Once '));
  await client.chat('Hi', inC1).end;
  await assert.rejects(client.chat('Hi', inC1).end);
  const samples = await readMetrics(parley.url);
  const of = (kind: string) =>
    samples.get(`parley_tokens_total{kind="${kind}",provider="scripted",model="scripted-model"}`) ?? 0;
  assert.ok(of('prompt') > 11, 'the cut answer is counted, by an estimate');
  assert.ok(of('completion') > 7);
  assert.ok((samples.get('parley_cost_total{provider="scripted",model="scripted-model"}') ?? 0) > 0.000025);
  assert.equal(samples.get('parley_estimate_ratio_count{provider="scripted"}'), 1, 'what was reported once');
  assert.ok((samples.get('parley_estimate_ratio_sum{provider="scripted"}') ?? 0) > 0);
});

test('the server estimates usage that a provider does not report: text, reasoning and calls, also of an aborted answer', async (t) => {
  const { client, model, parley } = await startTyped(t, { mcpServers: demoServer, ...priced() });
  const thinking = createGate();
  model.script(
    streams(callParts([{ name: 'add', arguments: { a: 2, b: 3 } }], 'split'), finish('tool_calls'), done()),
    says('Five.', { usage: 'none', reasoning: 'Hm.' }),
  );
  const {
    metadata: { usage_by_hop: hops },
  } = await client.chat('Add', inC1).end;
  assert.ok(
    hops.length === 2 &&
      hops.every(
        ({ usage }) =>
          usage.estimated === true && usage.prompt_tokens > 50 && usage.completion_tokens > 0 && Number(usage.cost) > 0,
      ),
    JSON.stringify(hops),
  );
  const before = await only(client);
  model.script(streams(delta({ reasoning_content: 'Let me think about that.' }), gate(thinking), done()));
  const stopped = client.chat('Hi', inC1);
  for await (const { type } of stopped) if (type === 'reasoning') break;
  await stopped.cancel();
  const { finish_reason: reason, tokens } = (await stopped.end).metadata;
  assert.equal(reason, 'cancelled');
  assert.ok(tokens > 50);
  assert.equal(
    (await only(client))?.spent_tokens,
    Number(before?.spent_tokens) + tokens,
    'though it leaves no row of its own',
  );
  thinking.open();
  assert.equal(
    (await readMetrics(parley.url)).get('parley_estimate_ratio_count{provider="scripted"}'),
    undefined,
    'nothing to compare with',
  );
});

test('a model without a price adds no cost to the turn, the conversation or the metrics', async (t) => {
  const { client, parley } = await startTyped(t);
  const { metadata } = await client.chat('Hi', inC1).end;
  assert.deepEqual(metadata.usage, { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 });
  assert.equal(
    [...(await readMetrics(parley.url)).keys()].some((name) => name.startsWith('parley_cost_total{')),
    false,
  );
  assert.partialDeepStrictEqual(await only(client), { spent_tokens: 18, cost: 0 });
});

describe('a budget', () => {
  test('of a turn ends the turn before the next model request, and the next turn has a budget of its own', async (t) => {
    const { client, model } = await startTyped(t, {
      mcpServers: demoServer,
      ...priced({ budget: { turn_tokens: 18 } }),
    });
    model.script(add, says('Well.'));
    await assert.rejects(client.chat('Add', inC1).end, {
      code: 'budget_exceeded',
      data: { budget: 'turn_tokens', limit: 18, used: 18 },
    });
    assert.equal(model.requests.length, 1);
    assert.equal(await client.chat('Hi', inC1).text(), 'Well.');
  });

  test('of a conversation holds across turns and a restart, and does not affect other conversations', async (t) => {
    const { client, model, parley } = await startTyped(t, priced({ budget: { conversation_cost: 0.00005 } }));
    for (let turn = 0; turn < 2; turn += 1) await client.chat('Hi', inC1).end;
    await assert.rejects(client.chat('Hi', inC1).end, {
      code: 'budget_exceeded',
      data: { budget: 'conversation_cost', limit: 0.00005, used: 0.00005 },
    });
    await parley.restart();
    const again = connectClient(t, parley.url);
    await assert.rejects(again.chat('Hi', inC1).end, withCode('budget_exceeded'));
    await again.chat('Hi', { conversationId: 'c2' }).end;
    assert.equal(model.requests.length, 3);
  });
});
