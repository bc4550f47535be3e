/**
 * Checks which secrets each provider gets when a turn falls back from one to the next. The endpoints record all
 * requests.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { fails, says, type Reply } from '../support/model/replies.ts';
import { startModelServer } from '../support/model/server.ts';
import { startParley } from '../support/parley.ts';
import { connectClient } from '../support/typed-client.ts';

async function startEndpoint(t: TestContext, reply: Reply) {
  const endpoint = await startModelServer();
  t.after(() => endpoint.close());
  endpoint.script(() => reply);
  return endpoint;
}

test('each provider gets its own key and headers, and nothing of any other', async (t) => {
  const refusal = fails(401, 'no');
  const [openai, groq, azure, own, last] = [
    await startEndpoint(t, refusal),
    await startEndpoint(t, refusal),
    await startEndpoint(t, refusal),
    await startEndpoint(t, refusal),
    await startEndpoint(t, says('Hello.')),
  ];
  const parley = await startParley(t, {
    config: {
      llm: {
        active: 'openai',
        fallback: ['groq', 'azure', 'own', 'last'],
        providers: {
          openai: { base_url: openai.url, api_key_env: 'KEY_OF_OPENAI', model: 'm' },
          // With these base URLs, known providers do not get the keys of their presets.
          groq: { base_url: groq.url, model: 'm' },
          azure: { base_url: azure.url, deployment: 'm' },
          own: { base_url: own.url, api_key_env: 'KEY_OF_OWN', model: 'm', headers: { 'X-Own': 'header-of-own' } },
          last: { base_url: last.url, model: 'm' },
        },
      },
    },
    env: {
      KEY_OF_OPENAI: 'secret-of-openai',
      KEY_OF_OWN: 'secret-of-own',
      OPENAI_API_KEY: 'secret-1',
      GROQ_API_KEY: 'secret-2',
      AZURE_OPENAI_API_KEY: 'secret-3',
    },
  });
  const client = connectClient(t, parley.url);
  assert.equal(await client.chat('Hi').text(), 'Hello.');

  const secrets = [openai, groq, azure, own, last].map(({ requests }) => {
    assert.equal(requests.length, 1);
    const { headers, path, body } = requests[0] ?? {};
    return JSON.stringify([headers, path, body]).match(/secret-[\w-]+|header-of-own/g) ?? [];
  });
  assert.deepEqual(secrets, [['secret-of-openai'], [], [], ['secret-of-own', 'header-of-own'], []]);
  assert.doesNotMatch(JSON.stringify(client.frames), /secret-|header-of-own/);
});
