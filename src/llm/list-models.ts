/** Asks a provider which models it offers: its `/models`, which all three wire protocols have. */
import { AppError } from '../errors.ts';
import { isObject, parseJson, textOf } from '../json.ts';
import type { Provider } from './providers/provider.ts';
import { readBody, type Body } from './stream/body.ts';
import { createOpenAI } from './stream/openai-client.ts';
import { requestFailed } from './stream/failed-answer.ts';
import type { Transport } from './stream/transport.ts';

/** Far above what any provider offers. */
const MAX_MODELS = 5_000;
const MAX_CHARS = 16 * 1024 * 1024;
/** Anthropic sends 20 without it. */
const PAGE = { limit: 1_000 };

/**
 * The names of the models, sorted, each once. Empty for the demo. Throws AppError `provider_failed`, with
 * the words of a failed answer, if the provider cannot be asked.
 */
export async function listModels(provider: Provider, transport: Transport, timeoutMs: number): Promise<string[]> {
  if (provider.demo) return [];
  const client = await createOpenAI(provider, transport.fetch);
  try {
    const response = await client
      .get('/models', {
        timeout: timeoutMs,
        signal: AbortSignal.timeout(timeoutMs),
        ...(provider.keyHeader === 'x-api-key' ? { query: PAGE } : {}),
      })
      .asResponse();
    const text = await readText(transport.bodyOf?.(response) ?? response.body);
    return [...new Set(namesIn(parseJson(text)))].toSorted().slice(0, MAX_MODELS);
  } catch (error) {
    const { message } = requestFailed({ provider, model: provider.model, sizes: null }, error).fault;
    throw new AppError('provider_failed', message, { cause: error });
  }
}

/** The text so far, if it is longer than any list. */
async function readText(body: Body | null): Promise<string> {
  let text = '';
  if (body === null) return text;
  await readBody(
    body,
    (piece) => {
      text += piece;
      return text.length < MAX_CHARS;
    },
    () => {},
  );
  return text;
}

/** `{data: [{id}]}`, a bare list (Together), or `{models: [{name}]}` (Ollama's own). */
function namesIn(body: unknown): string[] {
  const listed = isObject(body) ? (body['data'] ?? body['models']) : body;
  if (!Array.isArray(listed)) return [];
  return listed.flatMap((entry: unknown) => {
    const name = isObject(entry) ? (textOf(entry['id']) ?? textOf(entry['name'])) : textOf(entry);
    return name ?? [];
  });
}
