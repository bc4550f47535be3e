/** Has a scenario for every provider error. The scripted model plays the provider. */
import type { TestContext } from 'node:test';
import type { Fault } from '../../machines/log.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { cuts, fails, hangs, says, type Reply } from '../support/model/replies.ts';
import { startModelServer } from '../support/model/server.ts';
import { startParley, startScripted } from '../support/parley.ts';
import { faultIn, failedStart, type ErrorScenario } from './error-scenarios.ts';

const key = 'SCRIPTED_KEY';

/** One attempt: retryable failures are not retried. */
const llm = { retry: { attempts: 1 } };

async function chatWith(test: TestContext, base_url: string, timeouts: object = {}): Promise<Fault> {
  const providers = { scripted: { base_url, model: 'scripted-model', api_key_env: key } };
  const parley = await startParley(test, {
    modelUrl: base_url,
    config: { llm: { ...llm, ...timeouts, providers } },
    env: { [key]: 'sk-scripted' },
  });
  return faultIn((await (await parley.connect()).chat('Hi')).end);
}

const answering =
  (reply: Reply, timeouts: object = {}): ErrorScenario =>
  async (test) => {
    const model = await startModelServer();
    test.after(() => model.close());
    // A function, because some failures are retried.
    model.script(() => reply);
    return chatWith(test, model.url, timeouts);
  };

export const providerErrorScenarios: Record<Extract<ErrorCode, `provider_${string}`>, ErrorScenario> = {
  provider_missing_key: (test) => failedStart(test, { config: { llm: { active: 'groq' } } }),
  provider_auth: answering(fails(401, 'Incorrect API key provided')),
  provider_model: answering(fails(404, 'The model does not exist', { code: 'model_not_found' })),
  provider_context_length: answering(fails(400, 'too long', { code: 'context_length_exceeded' })),
  provider_content_filter: answering(fails(400, 'The response was filtered', { code: 'content_filter' })),
  provider_request: answering(fails(400, 'temperature must be below 2')),
  provider_rate_limit: answering(fails(429, 'slow down', { headers: { 'retry-after': '2' } })),
  async provider_unreachable(test) {
    const gone = await startModelServer();
    await gone.close();
    return chatWith(test, gone.url);
  },
  provider_timeout: answering(hangs(), { first_byte_timeout: 0.1 }),
  async provider_unavailable(test) {
    const { client, model } = await startScripted(test, {
      config: { llm: { ...llm, circuit: { failures: 1, cooldown: 60 } } },
    });
    model.script(fails(500, 'oops'));
    await client.chat('Hi');
    return faultIn((await client.chat('Hi')).end);
  },
  async provider_busy(test) {
    const { client, model } = await startScripted(test, {
      config: { llm: { ...llm, queue_timeout: 0.05, providers: { scripted: { requests_per_minute: 1 } } } },
    });
    model.script(says('Hello.'));
    await client.chat('Hi');
    return faultIn((await client.chat('Hi')).end);
  },
  provider_cut: answering(cuts('torn', 'Once ')),
  provider_failed: answering(fails(500, 'oops')),
  provider_empty: answering(says('')),
};
