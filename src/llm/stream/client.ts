/**
 * Requests one streamed answer from one provider. Owns the HTTP request and its watchdog, and decides how the stream ended;
 * the accumulator interprets the chunks. Only a finish_reason completes an answer, because a truncated body can end as
 * cleanly as a whole one.
 */
import { createParser } from 'eventsource-parser';
import type OpenAI from 'openai';
import type { RequestBody } from './adapted-request.ts';
import { createAccumulator, type Accumulator } from './accumulator.ts';
import { readBody, type Body, type TextReader } from './body.ts';
import { withImages, withoutImages } from '../message-images.ts';
import { withReasoning } from '../pass-back-reasoning.ts';
import { strictMessages } from '../strict-messages.ts';
import { withPlainErrors } from './provider-error.ts';
import { cutOff, notACompletion, requestFailed, timedOut, streamFailed, type Target } from './failed-answer.ts';
import { createLearnedChanges, type RequiredChange } from './learned-changes.ts';
import type { AnswerEnd, AnswerRequest, AnswerSink } from '../port.ts';
import type { Provider } from '../providers/provider.ts';
import { parseJson } from '../../json.ts';
import { MAX_TIMER_MS } from '../../scheduling/acquire.ts';
import { declareTools, type ToolDeclarations } from '../tools/declare-tools.ts';
import type { Transport } from './transport.ts';
import { createWatchdog, type Silence, type Watchdog, type WatchdogLimits } from './watchdog.ts';

/** The port of one provider. The queue and the circuit breaker have it too. */
export interface ProviderClient {
  /** See `LanguageModel.stream`. */
  stream(request: AnswerRequest, sink: AnswerSink, signal: AbortSignal): Promise<AnswerEnd>;
}

/** A client that keeps what its provider rejects. */
export interface LearningClient extends ProviderClient {
  /** The declarations of tools that the model has rejected, as keys (rejected-tools.ts). */
  rejected(model: string): ReadonlySet<string>;
}

/** Read for each request. */
export interface ClientOptions extends WatchdogLimits {
  /** Gets each change of a request that a provider required, once for a model. */
  onRequiredChange(change: RequiredChange): void;
}

/**
 * A hop is one answer. Its request is sent again only to change what the model does not support (learned-changes.ts), and is
 * never retried here for another reason. Failures are values. Rejects only if the sink throws, and then aborts the request.
 * As for every fetch, the promise and the body of `transport` fail when the signal aborts.
 */
export function createProviderClient(provider: Provider, options: ClientOptions, transport: Transport): LearningClient {
  let openai: OpenAI | null = null;
  const learned = createLearnedChanges(provider, (change) => options.onRequiredChange(change));

  return {
    rejected: learned.rejected,
    async stream(request, sink, signal) {
      const client = (openai ??= await createOpenAI(provider, transport.fetch));
      if (signal.aborted) return { status: 'aborted' };
      const asked: Target = { provider, model: request.model, sizes: request.sizes };
      const attempt = new AbortController();
      let silence: Silence | null = null;
      const watchdog = createWatchdog(options, (kind) => {
        silence = kind;
        attempt.abort();
      });
      const abort = () => attempt.abort();
      signal.addEventListener('abort', abort, { once: true });

      const silenceEnd = () => {
        const limitMs = silence === 'within_answer' ? options.stallTimeoutMs : options.firstByteTimeoutMs;
        return silence === null ? null : timedOut(asked, silence, limitMs);
      };

      const declarations = declareTools(request.tools, provider.toolLimits.maxDescriptionChars);
      let end: AnswerEnd | null = null;
      try {
        const incoming = await learned.send(
          request.model,
          createBody(asked, request, declarations),
          (body) => send(client, transport, asked, body, attempt.signal),
          (left) => void (signal.aborted || sayWithout(sink, declarations, left)),
        );
        if ('body' in incoming)
          end = restored(await receive(asked, incoming, sink, { signal, watchdog, silenceEnd }), declarations);
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

/**
 * Sets every option, because the package reads OPENAI_* for missing ones and would send secrets to another endpoint. Loads the
 * package with the first request: it takes a fifth of the server's start, and the demo model does not need it.
 */
async function createOpenAI(provider: Provider, fetch: Transport['fetch']): Promise<OpenAI> {
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

function sayWithout(sink: AnswerSink, declarations: ToolDeclarations, left: readonly string[] | null): void {
  if (left === null) sink.withoutTools();
  else sink.withoutSome(left.map((name) => declarations.restored({ name, arguments: '' }).name));
}

/** The answer with the tools' own names in its calls. */
function restored(end: AnswerEnd, declarations: ToolDeclarations): AnswerEnd {
  return end.status === 'finished' ? { ...end, toolCalls: end.toolCalls.map(declarations.restored) } : end;
}

/** The body with the parameters of the block and of the model. */
function createBody({ provider, model }: Target, request: AnswerRequest, declarations: ToolDeclarations): RequestBody {
  const ofModel = Object.entries(provider.modelParameters.get(model) ?? {});
  const { tools, images, tool_choice, parallel_tool_calls, ...parameters } = {
    stream_options: { include_usage: true },
    ...provider.parameters,
    // Null for a model leaves a parameter of the block out, as undefined does in JSON.
    ...Object.fromEntries(ofModel.map(([name, value]) => [name, value ?? undefined])),
  } as Record<string, unknown>;
  // Providers reject an empty list, and settings for tools without tools.
  const offered = request.tools.length > 0 && tools !== 'never';
  const messages = images === 'never' ? withoutImages(request.messages) : withImages(request.messages);
  // A list of tools from `extra_body` is the provider's own. `auto` and `never` are Parley's.
  const ofProvider = Array.isArray(tools) ? { tools } : {};
  return {
    ...parameters,
    model,
    messages: strictMessages(withReasoning(messages, provider.passBackReasoning)),
    ...(offered ? { tools: declarations.tools, tool_choice, parallel_tool_calls } : ofProvider),
    stream: true,
  };
}

/**
 * Sends the request. `post` does the same as `chat.completions.create`, but accepts parameters that the package does not
 * know. A failure is a value, so that it is never confused with an error of the sink.
 */
async function send(
  openai: OpenAI,
  transport: Transport,
  asked: Target,
  body: RequestBody,
  signal: AbortSignal,
): Promise<ResponseHead | { error: unknown }> {
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

/** Far above any chunk, also one with an image. An endless line must not fill the memory. */
const maxEventChars = 16 * 1024 * 1024;

async function receive(
  asked: Target,
  { contentType, body }: ResponseHead,
  sink: AnswerSink,
  reading: Reading,
): Promise<AnswerEnd> {
  if (!body) return notACompletion(asked, contentType);
  const answer = createAccumulator(sink, asked.provider.reasoningTags);
  const torn = !(await readBody(body, bodyReader(answer, reading), reading.watchdog.beat));

  if (reading.signal.aborted) return { status: 'aborted' };
  answer.end();
  const whole = answer.answer();
  if (whole) return { status: 'finished', ...whole, model: whole.model ?? asked.model };
  if (answer.error) return streamFailed(asked, answer.error);
  const silent = reading.silenceEnd();
  if (silent) return silent;
  return torn || answer.chunks > 0 ? cutOff(asked) : notACompletion(asked, contentType);
}

/**
 * Reads a body by its first character, because labels are often wrong: `{` begins a whole completion (of a gateway that
 * cannot stream), anything else a stream of events. A page of HTML is a stream without events.
 */
function bodyReader(answer: Accumulator, reading: Reading): TextReader {
  let reader: TextReader | null = null;
  let before = '';
  return (text) => {
    if (reader !== null) return reader(text);
    before += text;
    const first = /\S/.exec(text)?.[0];
    if (first === undefined && text !== '' && before.length < maxEventChars) return true;
    reader = first === '{' || first === '[' ? wholeReader(answer, reading) : eventReader(answer, reading);
    const wanted = reader(before);
    return text === '' && before !== '' ? reader('') : wanted;
  };
}

function eventReader(answer: Accumulator, { signal, watchdog }: Reading): TextReader {
  let wanted = true;
  const parser = createParser({
    maxBufferSize: maxEventChars,
    // One read may hold many events, and the sink may abort at any of them.
    onEvent(event) {
      if (!wanted) return;
      const { progress } = answer;
      wanted = answer.read(event.data) && !signal.aborted;
      if (answer.progress > progress) watchdog.said();
      if (answer.isFinished) watchdog.finished();
    },
    onError(error) {
      if (error.type !== 'max-buffer-size-exceeded') return;
      answer.overflow();
      wanted = false;
    },
  });
  return (text) => {
    // At the end: the last event may lack its blank line.
    parser.feed(text === '' ? '\n\n' : text);
    return wanted;
  };
}

function wholeReader(answer: Accumulator, { watchdog }: Reading): TextReader {
  let whole = '';
  return (text) => {
    watchdog.said();
    whole += text;
    if (text === '') answer.read(onlyEntry(whole));
    else if (whole.length > maxEventChars) answer.overflow();
    return text !== '' && whole.length <= maxEventChars;
  };
}

/** Some gateways send a list with one completion. */
function onlyEntry(text: string): string {
  const list = parseJson(text);
  return Array.isArray(list) && list.length === 1 ? JSON.stringify(list[0]) : text;
}
