/** Tests the choice of providers, and which provider gets which API key. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { AppError } from '../../src/errors.ts';
import { presets } from '../../src/llm/providers/presets.ts';
import type { ProviderBlock } from '../../src/llm/providers/provider.ts';
import { chooseProviders } from '../../src/llm/providers/choose-providers.ts';
import { ask, languageModelAt } from '../support/model/ask.ts';
import { startModelServer, type ModelServer } from '../support/model/server.ts';

interface Choice {
  active?: string;
  fallback?: string[];
  providers?: Record<string, ProviderBlock>;
  env?: NodeJS.ProcessEnv;
}

const choose = (choice: Choice) => chooseProviders({ active: 'auto', fallback: [], providers: {}, env: {}, ...choice });
const namesOf = (choice: Choice) => choose(choice).map((provider) => provider.name);

describe('auto', () => {
  const all = { GROQ_API_KEY: 'a', OPENAI_API_KEY: 'b', OPENROUTER_API_KEY: 'c', ANTHROPIC_API_KEY: 'd' };

  test('is the demo on a bare machine', () => {
    assert.deepEqual(
      choose({}).map(({ name, demo }) => [name, demo]),
      [['demo', true]],
    );
  });

  test('takes the first provider whose key is set', () => {
    const order = ['groq', 'openai', 'openrouter', 'anthropic', 'demo'];
    const env: NodeJS.ProcessEnv = { ...all };
    for (const name of order) {
      assert.deepEqual(namesOf({ env }), [name]);
      delete env[Object.entries(presets).find(([preset]) => preset === name)?.[1].keyVariable ?? ''];
    }
  });

  test('takes an empty key for unset', () => {
    assert.deepEqual(namesOf({ env: { GROQ_API_KEY: ' ', OPENAI_API_KEY: 'b' } }), ['openai']);
  });

  test('looks under the variable that a block names', () => {
    const providers = { openai: { api_key_env: 'WORK_KEY' } };
    assert.deepEqual(namesOf({ providers, env: { OPENAI_API_KEY: 'b' } }), ['demo']);
    assert.deepEqual(namesOf({ providers, env: { WORK_KEY: 'b' } }), ['openai']);
  });

  test('does not choose a configured endpoint without a key', () => {
    assert.deepEqual(namesOf({ providers: { local: { base_url: 'http://localhost:1/v1', model: 'm' } } }), ['demo']);
  });

  test('does not choose a preset that lacks an address or a model', () => {
    assert.deepEqual(namesOf({ env: { AWS_BEARER_TOKEN_BEDROCK: 'a', AZURE_OPENAI_API_KEY: 'b' } }), ['demo']);
  });

  test('is followed by the fallbacks, each once', () => {
    assert.deepEqual(namesOf({ env: all, fallback: ['openai', 'groq', 'demo'] }), ['groq', 'openai', 'demo']);
  });
});

describe('the wire protocol', () => {
  const pathOf = (choice: Choice) => choose(choice).map(({ path, keyHeader }) => [path, keyHeader]);

  test('is that of the preset at its own address', () => {
    assert.deepEqual(pathOf({ env: { OPENAI_API_KEY: 'a' } }), [['/responses', 'authorization']]);
    assert.deepEqual(pathOf({ env: { ANTHROPIC_API_KEY: 'a' } }), [['/messages', 'x-api-key']]);
    assert.deepEqual(pathOf({ env: { GROQ_API_KEY: 'a' } }), [['/chat/completions', 'authorization']]);
  });

  test('is chat at another address, or what the block states', () => {
    const base_url = 'http://localhost:4000/v1';
    assert.deepEqual(pathOf({ active: 'openai', providers: { openai: { base_url } } }), [
      ['/chat/completions', 'authorization'],
    ]);
    assert.deepEqual(pathOf({ active: 'mine', providers: { mine: { base_url, model: 'm', api: 'messages' } } }), [
      ['/messages', 'x-api-key'],
    ]);
  });

  test('is the Responses API at the address of Azure without dated versions', () => {
    const azure = (base_url: string) =>
      choose({
        active: 'azure',
        providers: { azure: { base_url, deployment: 'gpt' } },
        env: { AZURE_OPENAI_API_KEY: 'b' },
      }).map(({ path, query, keyHeader }) => [path, query, keyHeader]);
    assert.deepEqual(azure('https://own.openai.azure.com/openai/v1'), [['/responses', {}, 'api-key']]);
    assert.deepEqual(azure('https://own.openai.azure.com'), [
      ['/openai/deployments/{model}/chat/completions', { 'api-version': '2024-10-21' }, 'api-key'],
    ]);
  });
});

describe('a provider', () => {
  test('of the table needs no block', () => {
    const [ollama] = choose({ active: 'ollama' });
    assert.deepEqual([ollama?.baseUrl, ollama?.key], ['http://localhost:11434/v1', null]);
  });

  test('takes from its block before the table', () => {
    const [openai] = choose({
      active: 'openai',
      providers: { openai: { model: 'mine', temperature: 1 } },
      env: { OPENAI_API_KEY: 'b' },
    });
    assert.equal(openai?.model, 'mine');
    assert.equal(openai?.baseUrl, presets['openai']?.baseUrl);
    assert.deepEqual(openai?.parameters, { temperature: 1 });
  });

  test('passes on all of its extra_body', () => {
    const [openai] = choose({
      active: 'openai',
      providers: { openai: { temperature: 1, extra_body: { max_token: 5, model: 'none', temperature: 2 } } },
      env: { OPENAI_API_KEY: 'b' },
    });
    assert.equal(openai?.model, presets['openai']?.model, 'keys of the block are no business of it');
    assert.deepEqual(openai?.parameters, { temperature: 2, max_token: 5, model: 'none' });
  });

  for (const choice of [{ active: 'groq' }, { active: 'demo', fallback: ['groq'] }]) {
    test(`without its key is refused by name of the variable when it is ${choice.fallback ? 'a fallback' : 'active'}`, () => {
      assert.throws(
        () => choose(choice),
        (error) =>
          error instanceof AppError &&
          error.code === 'provider_missing_key' &&
          /GROQ_API_KEY/.test(error.message) &&
          error.data['variable'] === 'GROQ_API_KEY',
      );
    });
  }

  const keys: [kind: string, key: string, problem: string][] = [
    ['a zero-width space', 'sk-abc\u200Bdef', 'U+200B'],
    ['a line feed', 'sk-abc\ndef', 'U+000A'],
    ['typographic quotes', '\u201Csk-abcdef\u201D', 'U+201C'],
    ['a no-break space', 'sk-abc\u00A0def', 'U+00A0'],
    ['a soft hyphen', 'sk-abc\u00ADdef', 'U+00AD'],
    ['an emoji', 'sk-\u{1F511}', 'U+1F511'],
    ['quotes around it', '"sk-abcdef"', 'stands in quotes'],
    ['the scheme of a header', 'Bearer sk-abcdef', 'begins with "Bearer"'],
    ['a space', 'sk-abc def', 'contains a space'],
  ];
  for (const [kind, key, problem] of keys) {
    test(`refuses a key with ${kind} and names the variable, not the key`, () => {
      assert.throws(
        () => choose({ env: { GROQ_API_KEY: key } }),
        (error) =>
          error instanceof AppError &&
          error.code === 'provider_missing_key' &&
          error.message.includes(problem) &&
          error.message.includes('GROQ_API_KEY') &&
          !error.message.includes('sk-'),
      );
    });
  }

  test('trims the white space around a key', () => {
    assert.equal(choose({ env: { GROQ_API_KEY: '\u00A0sk-abcdef\n' } })[0]?.key, 'sk-abcdef');
  });

  test('at Azure is its deployment, whose key is looked for while the address is one of Azure', () => {
    const azure = (base_url: string) =>
      choose({
        active: 'azure',
        providers: { azure: { base_url, deployment: 'gpt' } },
        env: { AZURE_OPENAI_API_KEY: 'b' },
      })[0];
    for (const host of ['own.openai.azure.com', 'own.cognitiveservices.azure.com', 'own.openai.azure.us'])
      assert.equal(azure(`https://${host}`)?.key, 'b', host);
    for (const host of ['azure.example', 'notazure.com', 'own.openai.azure.com.example'])
      assert.equal(azure(`https://${host}`)?.key, null, host);
    assert.equal(azure('https://own.openai.azure.com')?.model, 'gpt');
  });

  test('at Azure is not chosen by its key alone, because its address is unknown', () => {
    assert.deepEqual(namesOf({ env: { AZURE_OPENAI_API_KEY: 'b' } }), ['demo']);
    assert.deepEqual(
      namesOf({
        providers: { azure: { base_url: 'https://own.openai.azure.com', deployment: 'gpt' } },
        env: { AZURE_OPENAI_API_KEY: 'b' },
      }),
      ['azure'],
    );
  });

  const broken: [title: string, choice: Choice, names: RegExp][] = [
    ['an unknown name', { active: 'unknown' }, /"unknown".*demo, groq, openai/],
    ['no base URL', { active: 'x', providers: { x: { model: 'm' } } }, /llm\.providers\.x\.base_url/],
    [
      'a base URL that is none',
      { active: 'x', providers: { x: { model: 'm', base_url: 'localhost:80' } } },
      /llm\.providers\.x\.base_url/,
    ],
    ['no model for a local server', { active: 'lmstudio' }, /llm\.providers\.lmstudio\.model/],
    ['no address at Azure', { active: 'azure' }, /llm\.providers\.azure\.base_url/],
    [
      'no deployment at Azure',
      { active: 'azure', providers: { azure: { base_url: 'https://own.openai.azure.com' } } },
      /llm\.providers\.azure\.deployment/,
    ],
    ['no model', { active: 'x', providers: { x: { base_url: 'http://localhost/v1' } } }, /llm\.providers\.x\.model/],
  ];
  for (const [title, choice, names] of broken) {
    test(`with ${title} is config_invalid`, () => {
      assert.throws(
        () => choose(choice),
        (error) => error instanceof AppError && error.code === 'config_invalid' && names.test(error.message),
      );
    });
  }
});

test('Azure is asked at its deployment, in the version of the API, with the key in a header of its own', async (t) => {
  const resource = await startServer(t);
  const azure = {
    base_url: new URL(resource.url).origin,
    deployment: 'own gpt',
    api_version: '2025-01-01',
    api_key_env: 'OWN_KEY',
    allowed_models: ['other'],
    seed: 7,
  };
  const model = languageModelAt(resource.url, { active: 'azure', providers: { azure }, env: { OWN_KEY: 'key-one' } });
  for (const requested of [null, 'other']) await ask(model, requested === null ? {} : { model: requested });
  const paths = resource.requests.map(({ path }) => path);
  assert.deepEqual(
    paths,
    ['own%20gpt', 'other'].map(
      (deployment) => `/openai/deployments/${deployment}/chat/completions?api-version=2025-01-01`,
    ),
  );
  for (const { headers, body } of resource.requests) {
    assert.deepEqual([headers['api-key'], headers.authorization], ['key-one', undefined]);
    assert.deepEqual([body['seed'], 'deployment' in body, 'api_version' in body], [7, false, false]);
  }
});

async function startServer(t: TestContext): Promise<ModelServer> {
  const server = await startModelServer();
  t.after(() => server.close());
  return server;
}

describe('a key', () => {
  /** The package reads these for options that are not set. */
  const ambient = {
    OPENAI_API_KEY: 'ambient-key',
    OPENAI_ADMIN_KEY: 'ambient-admin',
    OPENAI_ORG_ID: 'ambient-org',
    OPENAI_PROJECT_ID: 'ambient-project',
    OPENAI_CUSTOM_HEADERS: 'X-Ambient: ambient-header\nAuthorization: Bearer ambient-header',
    OPENAI_BASE_URL: 'http://ambient.invalid/v1',
    OPENAI_LOG: 'debug',
  };

  test('goes only to its own endpoint, with any environment', async (t) => {
    const before = { ...process.env };
    Object.assign(process.env, ambient);
    t.after(() => {
      for (const name of Object.keys(ambient)) delete process.env[name];
      Object.assign(process.env, before);
    });
    const [first, second, keyless] = [await startServer(t), await startServer(t), await startServer(t)];
    const model = languageModelAt(first.url, {
      active: 'openai',
      fallback: ['second', 'keyless'],
      providers: {
        openai: { base_url: first.url, api_key_env: 'FIRST_KEY', model: 'm' },
        second: { base_url: second.url, api_key_env: 'SECOND_KEY', model: 'm', headers: { 'X-Own': 'own' } },
        keyless: { base_url: keyless.url, model: 'm' },
      },
      env: { ...process.env, FIRST_KEY: 'key-one', SECOND_KEY: 'key-two' },
    });
    for (const { name } of model.providers) assert.equal((await ask(model, { provider: name })).end.status, 'finished');

    const seen = await Promise.all([first, second, keyless].map(async (server) => (await server.request(1)).headers));
    assert.deepEqual(
      seen.map((headers) => headers.authorization),
      ['Bearer key-one', 'Bearer key-two', undefined],
    );
    assert.deepEqual(
      seen.map((headers) => headers['x-own']),
      [undefined, 'own', undefined],
    );
    assert.doesNotMatch(JSON.stringify(seen), /ambient/);
  });

  test('of a preset does not go to another base URL', async (t) => {
    const endpoint = await startServer(t);
    const model = languageModelAt(endpoint.url, {
      active: 'openai',
      providers: { openai: { base_url: endpoint.url } },
      env: { OPENAI_API_KEY: 'key-one' },
    });
    await ask(model);
    assert.equal((await endpoint.request(1)).headers.authorization, undefined);
  });

  test('does not follow a redirect', async (t) => {
    const [trusted, other] = [await startServer(t), await startServer(t)];
    trusted.script({ status: 307, headers: { location: `${other.url}/chat/completions` }, parts: [] });
    const { end } = await ask(
      languageModelAt(trusted.url, {
        providers: { scripted: { base_url: trusted.url, model: 'm', headers: { 'api-key': 'key-one' } } },
      }),
    );
    assert.deepEqual([end.status, other.requests.length], ['failed', 0]);
  });
});

test('the key of Bedrock goes to its own hosts only', () => {
  const keyAt = (base_url: string) =>
    choose({
      active: 'bedrock',
      providers: { bedrock: { base_url, model: 'openai.gpt-oss-120b' } },
      env: { AWS_BEARER_TOKEN_BEDROCK: 'a' },
    })[0]?.key;
  assert.equal(keyAt('https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1'), 'a');
  assert.equal(keyAt('https://bedrock-mantle.us-east-1.api.aws/v1'), 'a');
  for (const host of ['amazonaws.com.example', 's3.eu-west-1.amazonaws.com', 'bedrock-runtime.example'])
    assert.equal(keyAt(`https://${host}/v1`), null, host);
});
