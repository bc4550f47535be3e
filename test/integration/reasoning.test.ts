/** Thoughts between the hops of a turn: kept in the log, and given back to a provider that refuses a hop without them. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { delta, done, fails, finish, says, streams, usage } from '../support/model-replies.ts';
import { callParts } from '../support/model-tool-calls.ts';
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

/** Like DeepSeek: a message that asked for tools must say what was thought before. */
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

test('a provider that wants its thoughts back gets them in the next hop, in the next turn and after a restart', async (t) => {
  const { parley, client, sent } = await startThinker(t, { pass_back_reasoning: ['reasoning_content'] });
  assert.equal(await client.chat('1 + 2?', inC1).text(), 'Three.');
  assert.deepEqual(sent(), [undefined, undefined, 'I had better add them.', undefined]);
  await client.chat('Are you sure?', inC1).end;
  const all = [undefined, undefined, 'I had better add them.', undefined, 'That was easy.', undefined];
  assert.deepEqual(sent(), all);
  await parley.restart();
  await connectClient(t, parley.url).chat('Really?', inC1).end;
  // The second turn used no tools: nobody needs what was thought in it.
  assert.deepEqual(sent(), [...all, '', undefined]);
});

test('any other provider never sees them', async (t) => {
  const { client, model } = await startThinker(t, {});
  await assert.rejects(client.chat('1 + 2?', inC1).end, { message: /must be passed back/ });
  assert.doesNotMatch(JSON.stringify(model.requests.map(({ body }) => body)), /I had better/);
});

test('they are rows of the log all the same', async (t) => {
  const { client } = await startThinker(t, { pass_back_reasoning: ['reasoning_content'] });
  await client.chat('1 + 2?', inC1).end;
  assert.match(JSON.stringify(await client.history('c1')), /"reasoning":"I had better add them\."/);
});
