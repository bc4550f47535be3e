/** Builds the language models and the token counter. */
import { circuitLimits, modelOptions } from '../config/options.ts';
import type { Config } from '../config/schema/schema.ts';
import { createDemoModel } from '../demo/model.ts';
import { withoutQuote, QUOTE_KEY } from '../errors.ts';
import { createLanguageModel } from '../llm/model.ts';
import { chooseProviders } from '../llm/providers/choose-providers.ts';
import { createSample } from '../llm/sample.ts';
import { logContextLimit, logProviderStatus, logRequiredChange } from '../observability/status-log.ts';
import { createTokenCounter } from '../tokens/counter.ts';
import type { StartContext } from './context.ts';

/** The models of all providers, and the counter. */
export type Models = ReturnType<typeof createModels>;

/** Throws AppError as `createLanguageModel` does. */
export function createModels({ settings, env, log }: StartContext) {
  const demo = createDemoModel(settings.follow(({ llm }) => ({ chunkDelayMs: llm.demo.chunk_delay_ms })));
  const circuit = settings.follow(circuitLimits);
  const model = createLanguageModel(
    settings.follow((now) => ({
      ...modelOptions(now),
      circuit,
      onCircuitChange: (status) => logProviderStatus(status, log),
      onRequiredChange: (change) => logRequiredChange(change, log),
      onContextLimit: (limit) => logContextLimit(limit, log),
      env,
      demo,
    })),
  );
  settings.onApply(model.update);

  const active = () => model.providers[0] ?? { name: '', model: '', allowedModels: [], demo: false };
  const tokens = createTokenCounter({
    model: active().model,
    onThreadExit: (cause, final) => log.error({ err: cause, final }, 'token counting thread died'),
  });
  settings.onApply(() => tokens.use(active().model));

  /** Answers MCP servers that ask the model. */
  const sample = createSample(model, (fault) =>
    log.warn(
      { code: fault.code, reason: withoutQuote(fault), [QUOTE_KEY]: fault.data[QUOTE_KEY] },
      'model request of an MCP server failed',
    ),
  );
  return {
    model,
    tokens,
    sample,
    /** The active provider. */
    active,
    /** Throws AppError if the providers of a new configuration cannot be used. */
    check: (next: Config) => void chooseProviders({ ...modelOptions(next), env }),
  };
}
