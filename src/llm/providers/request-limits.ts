/** Reads what the parameters of a provider's block say about the size of requests. Pure. */
import type { Provider } from './provider.ts';

/** The longest answer that requests ask for, and the key of the configuration that says so. */
export interface AnswerLimit {
  tokens: number;
  key: string;
}

/** Both names of the limit: models accept only one of them. */
const ANSWER_LIMITS = ['max_tokens', 'max_completion_tokens'];

/** Null if the block states none. The parameters of the model take precedence, and null there leaves one out. */
export function answerLimit(provider: Provider, model: string): AnswerLimit | null {
  const block = `llm.providers.${provider.name}`;
  const ofModel = provider.modelParameters.get(model) ?? {};
  const stated = ANSWER_LIMITS.flatMap((name): AnswerLimit[] => {
    const isOfModel = ofModel[name] !== undefined;
    const tokens = isOfModel ? ofModel[name] : provider.parameters[name];
    const key = isOfModel ? `${block}.model_parameters.${model}.${name}` : `${block}.${name}`;
    return typeof tokens === 'number' && tokens > 0 ? [{ tokens, key }] : [];
  });
  return stated.toSorted((one, other) => other.tokens - one.tokens)[0] ?? null;
}

/** False for `tools: never`, of the block or of the model. */
export function takesTools({ parameters, modelParameters }: Provider, model: string): boolean {
  return (modelParameters.get(model)?.['tools'] ?? parameters['tools']) !== 'never';
}
