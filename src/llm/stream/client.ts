/**
 * Requests one streamed answer from one provider. Owns the HTTP request and its watchdog, and decides how the stream ended;
 * the accumulator interprets the chunks. Only a finish_reason completes an answer, because a truncated body can end as
 * cleanly as a whole one.
 */
import { createParser } from 'eventsource-parser';
import OpenAI from 'openai';
import { createAccumulator, type Accumulator } from './accumulator.ts';
import { readBody, type Body, type TextReader } from './body.ts';
import { isObject, parseJson } from '../../json.ts';
import { withReasoning } from '../pass-back-reasoning.ts';
import { withPlainErrors } from './provider-error.ts';
import { cutOff, notACompletion, requestFailed, timedOut, streamFailed, type Target } from './failed-answer.ts';
import type { AnswerEnd, AnswerRequest, AnswerSink } from '../port.ts';
import type { Provider } from '../providers/provider.ts';
import { MAX_TIMER_MS } from '../../timer-limit.ts';
import type { Transport } from './transport.ts';
import { createWatchdog, type Silence, type Watchdog } from './watchdog.ts';

export interface ProviderClient {
  /** See `LanguageModel.stream`. */
  stream(request: AnswerRequest, sink: AnswerSink, signal: AbortSignal): Promise<AnswerEnd>;
}

/** Read for each request. */
export interface ClientOptions {
  firstByteTimeoutMs: number;
  stallTimeoutMs: number;
}

/**
 * A hop is one HTTP request and is never retried here. Failures are values. Rejects only if the sink throws, and then aborts
 * the request. As for every fetch, the promise and the body of `transport` fail when the signal aborts.
 */
export function createProviderClient(provider: Provider, options: ClientOptions, transport: Transport): ProviderClient {
  const openai = createOpenAI(provider, transport.fetch);

  return {
    async stream(request, sink, signal) {
      if (signal.aborted) return { status: 'aborted' };
      const asked: Target = { provider, model: request.model };
      const attempt = new AbortController();
      let silence: Silence | null = null;
      const watchdog = createWatchdog(options, (kind) => {
        silence = kind;
        attempt.abort();
      });
      const abort = () => attempt.abort();
      signal.addEventListener('abort', abort, { once: true });

      const silenceEnd = () => {
        const limitMs = silence === 'next_byte' ? options.stallTimeoutMs : options.firstByteTimeoutMs;
        return silence === null ? null : timedOut(asked, silence, limitMs);
      };

      let end: AnswerEnd | null = null;
      try {
        const incoming = await send(openai, transport, asked, request, attempt.signal);
        if ('body' in incoming) end = await receive(asked, incoming, sink, { signal, watchdog, silenceEnd });
        else end = signal.aborted ? { status: 'aborted' } : (silenceEnd() ?? requestFailed(asked, incoming.error));
        return end;
      } finally {
        watchdog.stop();
        signal.removeEventListener('abort', abort);
        // A finished answer leaves its connection for the next request. Everything else is aborted, also if the sink throws.
        if (end?.status !== 'finished') attempt.abort();
      }
    },
  };
}

/** Sets every option, because the package reads OPENAI_* for missing ones and would send secrets to another endpoint. */
function createOpenAI(provider: Provider, fetch: Transport['fetch']): OpenAI {
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

/** The head of a successful response. */
interface ResponseHead {
  contentType: string;
  body: Body | null;
}

/**
 * Sends the request. `post` does the same as `chat.completions.create`, but accepts parameters that the package does not
 * know. A failure is a value, so that it is never confused with an error of the sink.
 */
async function send(
  openai: OpenAI,
  transport: Transport,
  asked: Target,
  request: AnswerRequest,
  signal: AbortSignal,
): Promise<ResponseHead | { error: unknown }> {
  const { tool_choice, parallel_tool_calls, ...parameters } = asked.provider.parameters;
  // Providers reject an empty list, and settings for tools without tools.
  const tools = request.tools.length > 0 ? { tools: request.tools, tool_choice, parallel_tool_calls } : {};
  const body = {
    stream_options: { include_usage: true },
    ...parameters,
    model: asked.model,
    messages: withReasoning(request.messages, asked.provider.passBackReasoning),
    ...tools,
    stream: true,
  };
  try {
    const path = asked.provider.chatPath.replace('{model}', encodeURIComponent(asked.model));
    const response = await openai.post(path, { body, stream: true, signal }).asResponse();
    return {
      contentType: response.headers.get('content-type') ?? '',
      body: transport.bodyOf?.(response) ?? response.body,
    };
  } catch (error) {
    return { error };
  }
}

interface Reading {
  signal: AbortSignal;
  watchdog: Watchdog;
  /** The failure if the watchdog aborted the attempt, else null. */
  silenceEnd(): AnswerEnd | null;
}

/** Far above any chunk. An endless line must not fill the memory. */
const maxEventChars = 8 * 1024 * 1024;

/** The text before the first event is kept up to here. */
const maxStartChars = 64 * 1024;

async function receive(
  asked: Target,
  { contentType, body }: ResponseHead,
  sink: AnswerSink,
  reading: Reading,
): Promise<AnswerEnd> {
  if (!body || contentType.includes('html')) return notACompletion(asked, contentType);
  const answer = createAccumulator(sink);
  // Gateways that cannot stream send the whole completion as one JSON text.
  const take = contentType.includes('application/json') ? wholeReader(answer) : eventReader(answer, reading.signal);
  const torn = !(await readBody(body, take, reading.watchdog.beat));

  if (reading.signal.aborted) return { status: 'aborted' };
  const whole = answer.answer();
  if (whole) return { status: 'finished', ...whole, model: whole.model ?? asked.model };
  if (answer.error) return streamFailed(asked, answer.error);
  const silent = reading.silenceEnd();
  if (silent) return silent;
  return torn || answer.chunks > 0 ? cutOff(asked) : notACompletion(asked, contentType);
}

function eventReader(answer: Accumulator, signal: AbortSignal): TextReader {
  let wanted = true;
  let start = '';
  const parser = createParser({
    maxBufferSize: maxEventChars,
    // One read may hold many events, and the sink may abort at any of them.
    onEvent(event) {
      if (wanted) wanted = answer.read(event.data) && !signal.aborted;
    },
    onError(error) {
      if (error.type === 'max-buffer-size-exceeded') wanted = false;
    },
  });
  return (text) => {
    parser.feed(text);
    if (answer.chunks > 0) return wanted;
    // Gateways send their error as plain JSON under the content type of a stream.
    if (start.length < maxStartChars) start += text;
    if (text === '' && isObject(parseJson(start))) answer.read(start);
    return wanted;
  };
}

function wholeReader(answer: Accumulator): TextReader {
  let whole = '';
  return (text) => {
    whole += text;
    if (text === '') answer.read(whole);
    return text !== '' && whole.length <= maxEventChars;
  };
}
