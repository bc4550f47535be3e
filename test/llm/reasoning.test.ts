/** Checks reasoning between the hops of a turn: stored in the log, and passed back to a provider that requires it. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { delta, done, fails, finish, says, streams, usage } from '../support/model/replies.ts';
import { callParts } from '../support/model/tool-calls.ts';
import { demoServer } from '../support/parley.ts';
import { connectClient, startTyped } from '../support/typed-client.ts';

const inC1 = { conversationId: 'c1' };
const hop = () =>
  streams(
    delta({ reasoning_content: 'I had better add them.' }),
    callParts([{ name: 'add', arguments: { a: 1, b: 2 } }], 'split'),
    finish('tool_calls'),
    usage(),
    done(),
  );

/** Like DeepSeek: a message with tool calls must have its reasoning. */
async function startThinker(t: TestContext, block: Record<string, unknown>) {
  const scripted = await startTyped(t, { mcpServers: demoServer, config: { llm: { providers: { scripted: block } } } });
  const { model } = scripted;
  model.script(({ body: { messages } }) => {
    if (messages.some((message) => message.tool_calls && message['reasoning_content'] === undefined))
      return fails(400, 'The reasoning_content in the thinking mode must be passed back to the API.');
    return messages.at(-1)?.role === 'tool' || messages.length > 3
      ? says('Three.', { reasoning: 'That was easy.' })
      : hop();
  });
  return {
    ...scripted,
    sent: () => model.requests.at(-1)?.body.messages.map((message) => message['reasoning_content']),
  };
}

test('a provider that requires its reasoning gets it in the next hop, in the next turn and after a restart', async (t) => {
  const { parley, client, sent } = await startThinker(t, { pass_back_reasoning: ['reasoning_content'] });
  assert.equal(await client.chat('1 + 2?', inC1).text(), 'Three.');
  assert.deepEqual(sent(), [undefined, undefined, 'I had better add them.', undefined]);
  await client.chat('Are you sure?', inC1).end;
  const all = [undefined, undefined, 'I had better add them.', undefined, 'That was easy.', undefined];
  assert.deepEqual(sent(), all);
  await parley.restart();
  await connectClient(t, parley.url).chat('Really?', inC1).end;
  // The second turn used no tools, so its reasoning is not needed.
  assert.deepEqual(sent(), [...all, '', undefined]);
});

test('other providers never get reasoning', async (t) => {
  const { client, model } = await startThinker(t, {});
  await assert.rejects(client.chat('1 + 2?', inC1).end, { message: /must be passed back/ });
  assert.doesNotMatch(JSON.stringify(model.requests.map(({ body }) => body)), /I had better/);
});

test('reasoning is in the rows of the log in any case', async (t) => {
  const { client } = await startThinker(t, { pass_back_reasoning: ['reasoning_content'] });
  await client.chat('1 + 2?', inC1).end;
  assert.match(JSON.stringify(await client.history('c1')), /"reasoning":"I had better add them\."/);
});
