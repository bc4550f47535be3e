/** Configures the `openai` package, which sends the requests of all wire protocols. */
import type OpenAI from 'openai';
import { MAX_TIMER_MS } from '../../scheduling/acquire.ts';
import type { Provider } from '../providers/provider.ts';
import { withPlainErrors } from './provider-error.ts';
import type { Transport } from './transport.ts';

/**
 * Sets every option, because the package reads OPENAI_* for missing ones and would send secrets to another endpoint. Loads the
 * package with the first request: it takes a fifth of the server's start, and the demo model does not need it.
 */
export async function createOpenAI(provider: Provider, fetch: Transport['fetch']): Promise<OpenAI> {
  const { default: OpenAI } = await import('openai');
  const inherited = (process.env['OPENAI_CUSTOM_HEADERS'] ?? '')
    .split('\n')
    .map((line) => line.split(':', 1)[0]?.trim() ?? '');
  const { key, keyHeader } = provider;
  const keyHeaders = key === null ? {} : { [keyHeader]: keyHeader === 'authorization' ? `Bearer ${key}` : key };
  const own = { authorization: null, ...keyHeaders, ...lowerCased(provider.headers) };
  return new OpenAI({
    // The package requires one. Without a key, the headers below leave it out.
    apiKey: key ?? 'none',
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    baseURL: provider.baseUrl,
    defaultQuery: provider.query,
    defaultHeaders: {
      ...Object.fromEntries(inherited.filter(Boolean).map((name) => [name.toLowerCase(), null])),
      ...provider.api.headers,
      ...own,
    },
    fetch: withPlainErrors(fetch),
    maxRetries: 0,
    // The watchdog is stricter and also covers the body.
    timeout: MAX_TIMER_MS,
    logLevel: 'off',
  });
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
