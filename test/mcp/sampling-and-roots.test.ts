/** Checks requests of MCP servers in the whole server, in both eras: sampling, roots, several requests, and limits. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { RespondOptions } from '../../src/client/requests.ts';
import type { Turn } from '../../src/client/turn.ts';
import { nextInterrupt, toolResultsIn } from '../support/interrupts.ts';
import { DAWDLE_MS, demandResumed, demandWaiting } from '../support/mcp-demands.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { connectClient, readAll, startTyped, type RecordedClient } from '../support/typed-client.ts';

type Era = 'sessions' | 'stateless';
const inC1 = { conversationId: 'c1' };
const word = (said: string) => ({ decision: 'answer', content: { word: said } }) as const;

async function startDemands(
  test: TestContext,
  era: Era,
  mcp: Record<string, unknown> = {},
  tools: Record<string, unknown> = {},
) {
  const demands = await startHttpServer({ era, offer: era === 'sessions' ? demandWaiting : demandResumed });
  test.after(demands.stop);
  return startTyped(test, {
    mcpServers: { demands: { url: demands.url } },
    config: { mcp, chat: { service: { tools } } },
  });
}

/** Answers an interrupt; `number` counts those of the conversation. */
async function respond(client: RecordedClient, number: number, answer: Omit<RespondOptions, 'interruptId'>) {
  const { interrupt_id: interruptId } = await nextInterrupt(client, number);
  return client.respond('c1', { interruptId, ...answer });
}

const resultOf = async (turn: Turn) => toolResultsIn(await readAll(turn))[0];

for (const [era, revision] of [
  ['sessions', '2025-11-25'],
  ['stateless', '2026-07-28'],
] as const) {
  describe(`a server of ${revision}`, () => {
    test('gets an answer of the model once the user has allowed it', async (t) => {
      const { client, model } = await startDemands(t, era);
      model.script(asks([{ name: 'summarize' }]), says('Short.'), says('Done.'));
      const turn = client.chat('Summarize', inC1);
      assert.partialDeepStrictEqual(await nextInterrupt(client), {
        type: 'approval_request',
        about: 'sampling',
        server: 'demands',
        name: 'summarize',
        data: 'Allow the server "demands" to ask the model?',
        arguments: { systemPrompt: 'Be brief.' },
      });
      await assert.rejects(respond(client, 1, { decision: 'approve', remember: true }), {
        data: { path: 'payload.remember' },
      });
      await respond(client, 1, { decision: 'approve' });
      assert.equal((await resultOf(turn))?.data, 'summary: Short.');
      assert.deepEqual(
        model.requests[1]?.body.messages.map(({ role, content }) => [role, content]),
        [
          ['system', 'Be brief.'],
          ['user', 'A long text.'],
        ],
      );
    });

    test('gets the denial, or its call ends, if the user does not allow it', async (t) => {
      const { client, model } = await startDemands(t, era);
      model.script(asks([{ name: 'summarize' }]), says('As you like.'));
      const turn = client.chat('Summarize', inC1);
      assert.equal((await nextInterrupt(client)).type, 'approval_request');
      await respond(client, 1, { decision: 'deny' });
      const result = await resultOf(turn);
      if (era === 'sessions') assert.match(result?.data ?? '', /not done: .*did not allow/);
      else assert.deepEqual([result?.status, /did not allow/.test(result?.data ?? '')], ['denied', true]);
      assert.equal(model.requests.length, 2, 'the model was not asked for it');
    });

    test('gets an answer of the model at once if the configuration allows it, within its budget', async (t) => {
      const { client, model } = await startDemands(t, era, {
        sampling: { permission: 'always', requests_per_call: 2, max_tokens: 3 },
      });
      model.script(
        asks([{ name: 'summarize' }]),
        says('0123456789abcdef'),
        says('Done.'),
        asks([{ name: 'insist' }]),
        says('One.'),
        says('Two.'),
        says('Enough.'),
      );
      const first = client.chat('Summarize', inC1);
      assert.equal((await resultOf(first))?.data, 'summary: 0123456789ab');
      const second = client.chat('Insist', inC1);
      assert.match(
        (await resultOf(second))?.data ?? '',
        era === 'sessions' ? /has used up its requests/ : /requested input that Parley does not support/,
      );
      assert.equal(await second.text(), 'Enough.');
      assert.equal(model.requests.length, 7);
    });

    test('is not offered sampling where that is not allowed', async (t) => {
      const { client, model } = await startDemands(t, era, { sampling: { permission: 'never' } });
      model.script(asks([{ name: 'summarize' }]), says('No.'));
      const turn = client.chat('Summarize', inC1);
      assert.match((await resultOf(turn))?.data ?? '', era === 'sessions' ? /not done/ : /do not declare/);
      assert.equal(model.requests.length, 2);
    });

    test('receives the folders that it may use', async (t) => {
      const { client, model } = await startDemands(t, era, { roots: ['/srv/shared', '/srv/my notes'] });
      model.script(asks([{ name: 'roots' }]), says('Two.'));
      const turn = client.chat('Where?', inC1);
      assert.equal((await resultOf(turn))?.data, 'file:///srv/shared file:///srv/my%20notes');
    });

    test('may ask for several things one after the other', async (t) => {
      const { client, model } = await startDemands(t, era);
      model.script(asks([{ name: 'two' }]), says('Both.'));
      const turn = client.chat('Two', inC1);
      for (const [number, data, said] of [
        [1, 'First?', 'one'],
        [2, 'Second?', 'two'],
      ] as const) {
        assert.partialDeepStrictEqual(await nextInterrupt(client, number), { type: 'elicitation_request', data });
        await respond(client, number, word(said));
      }
      assert.equal((await resultOf(turn))?.data, 'one and two');
    });

    test('reaches limits on the number and the length of its requests', async (t) => {
      const { client, model } = await startDemands(t, era, { limits: { max_questions: 2 } });
      model.script(asks([{ name: 'nag' }]), says('It nags.'));
      const turn = client.chat('Nag', inC1);
      for (const number of [1, 2]) await respond(client, number, word('no'));
      assert.match((await resultOf(turn))?.data ?? '', /used up its questions/);
    });

    test('gets no more time by asking', async (t) => {
      const { client, model } = await startDemands(
        t,
        era,
        { limits: { max_questions: 50 } },
        { timeout: (2 * DAWDLE_MS) / 1_000, max_timeout: (2.5 * DAWDLE_MS) / 1_000 },
      );
      model.script(asks([{ name: 'dawdle' }]), says('It dawdles.'));
      const statuses: string[] = [];
      let questions = 0;
      for await (const chunk of client.chat('Dawdle', inC1)) {
        if (chunk.type === 'elicitation_request') await respond(client, (questions += 1), word('no'));
        if (chunk.type === 'tool_result') statuses.push(chunk.status);
      }
      assert.deepEqual(statuses, ['timed_out']);
      assert.ok(questions <= 2, `${questions} questions`);
    });
  });
}

test('an older server with several running calls cannot ask a user, because it could be the wrong one', async (t) => {
  const { client, parley, model } = await startDemands(t, 'sessions');
  const other = connectClient(t, parley.url);
  model.script(asks([{ name: 'nag' }]), asks([{ name: 'two' }]), says('Unknown.'));
  const first = client.chat('Nag', inC1);
  assert.equal((await nextInterrupt(client)).type, 'elicitation_request');
  const second = other.chat('Two', { conversationId: 'c2' });
  assert.match((await resultOf(second))?.data ?? '', /not done: .*one of its running calls/);
  model.script(says('Stopped.'));
  await first.cancel();
  await first.end;
});
