/**
 * Requests one streamed answer from one provider. Owns the HTTP request and its watchdog, and decides how the stream ended;
 * the accumulator interprets the chunks. Only a finish_reason completes an answer, because a truncated body can end as
 * cleanly as a whole one.
 */
import { createHash } from 'node:crypto';
import type OpenAI from 'openai';
import type { RequestBody } from './adapted-request.ts';
import type { Accumulator } from './accumulator.ts';
import { readBody, type Body } from './body.ts';
import { bodyReader } from './body-reader.ts';
import { createOpenAI } from './openai-client.ts';
import type { Asked } from '../api/wire-api.ts';
import { withoutImages } from '../message-images.ts';
import { cutOff, notACompletion, requestFailed, timedOut, streamFailed, type Target } from './failed-answer.ts';
import { createLearnedChanges, type LearnedChanges, type RequiredChange } from './learned-changes.ts';
import type { AnswerEnd, AnswerRequest, AnswerSink } from '../port.ts';
import type { Provider } from '../providers/provider.ts';
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
  readonly learned: Omit<LearnedChanges, 'send'>;
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
    learned,
    async stream(request, sink, signal) {
      const client = (openai ??= await createOpenAI(provider, transport.fetch));
      if (signal.aborted) return { status: 'aborted' };
      const asked: Target = { provider, model: request.model, sizes: request.sizes };
      const recipient = askedOf(asked, request);
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
          (body) => send(client, transport, asked, provider.api.encode(body, recipient), attempt.signal),
          (left) => void (signal.aborted || sayWithout(sink, declarations, left)),
        );
        if ('body' in incoming)
          end = restored(
            await receive(asked, incoming, provider.api.createReader(sink, provider.reasoningTags, recipient), {
              signal,
              watchdog,
              silenceEnd,
            }),
            declarations,
          );
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
  const stated: Record<string, unknown> = {
    ...provider.parameters,
    // Null for a model leaves a parameter of the block out, as undefined does in JSON.
    ...Object.fromEntries(ofModel.map(([name, value]) => [name, value ?? undefined])),
  };
  const { tools, images, tool_choice, parallel_tool_calls, ...parameters } = {
    ...provider.api.defaults(model, stated),
    ...stated,
  } as Record<string, unknown>;
  // Providers reject an empty list, and settings for tools without tools.
  const offered = request.tools.length > 0 && tools !== 'never';
  // A list of tools from `extra_body` is the provider's own. `auto` and `never` are Parley's.
  const ofProvider = Array.isArray(tools) ? { tools } : {};
  const body: RequestBody = {
    ...parameters,
    model,
    messages: request.messages,
    ...(offered ? { tools: declarations.tools, tool_choice, parallel_tool_calls } : ofProvider),
  };
  return images === 'never' ? withoutImages(body) : body;
}

/** Whom the request asks. The key of the cache is a hash: providers must not learn the names of Parley's users. */
function askedOf({ provider, model }: Target, { place: [owner, conversation] }: AnswerRequest): Asked {
  const cacheKey = createHash('sha256')
    .update(JSON.stringify([owner, conversation]))
    .digest('base64url')
    .slice(0, 32);
  return { provider: provider.name, model, passBackReasoning: provider.passBackReasoning, cacheKey };
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
    const path = asked.provider.path.replace('{model}', encodeURIComponent(asked.model));
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

async function receive(
  asked: Target,
  { contentType, body }: ResponseHead,
  answer: Accumulator,
  reading: Reading,
): Promise<AnswerEnd> {
  if (!body) return notACompletion(asked, contentType);
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
