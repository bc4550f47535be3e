/**
 * Asks the LLM layer as a conversation does and returns the whole answer, for tests of one answer. Whole-server tests
 * use a client instead.
 */
import { randomUUID } from 'node:crypto';
import type { ChatCompletionTool } from 'openai/resources/chat/completions';
import { createDemoModel } from '../../../src/demo/model.ts';
import type { FairKey } from '../../../src/scheduling/fair-semaphore.ts';
import type { MessageWithReasoning } from '../../../src/llm/pass-back-reasoning.ts';
import { createLanguageModel, type LanguageModelOptions } from '../../../src/llm/model.ts';
import type { AnswerEnd, AnswerRequest, LanguageModel } from '../../../src/llm/port.ts';

/** A language model whose active provider `scripted` is the endpoint at `url`; `options` overrides any option. */
export function languageModelAt(url: string, options: Partial<LanguageModelOptions> = {}): LanguageModel {
  return createLanguageModel({
    active: 'scripted',
    fallback: [],
    connectTimeoutMs: 5_000,
    firstByteTimeoutMs: 5_000,
    stallTimeoutMs: 5_000,
    finishTimeoutMs: 5_000,
    queueTimeoutMs: 5_000,
    circuit: { failures: 1_000, cooldownMs: 60_000 },
    onCircuitChange: () => {},
    onRequiredChange: () => {},
    onContextLimit: () => {},
    providers: { scripted: { base_url: url, model: 'configured-model' } },
    env: {},
    demo: createDemoModel({ chunkDelayMs: 0 }),
    ...options,
  });
}

export interface AskResult {
  text: string;
  reasoning: string;
  /** The length of the provider's queue ahead of this request; null if it did not wait. */
  queued: number | null;
  /** How often the sink was notified that the tools were left out. */
  withoutTools: number;
  /** The tools that were left out because of their declarations. */
  leftOut: string[];
  end: AnswerEnd;
}

export interface AskOptions {
  messages?: MessageWithReasoning[];
  tools?: ChatCompletionTool[];
  sizes?: AnswerRequest['sizes'];
  model?: string;
  provider?: string;
  signal?: AbortSignal;
  /** The owner, conversation and turn of the request. */
  place?: FairKey;
  onText?: (delta: string) => void;
}

/** Asks the active provider, by default with the one message `Hello`. */
export async function ask(model: LanguageModel, options: AskOptions = {}): Promise<AskResult> {
  let text = '';
  let reasoning = '';
  let queued: number | null = null;
  let withoutTools = 0;
  const leftOut: string[] = [];
  const provider = options.provider ?? model.providers[0]?.name ?? '';
  const request = {
    messages: options.messages ?? [{ role: 'user' as const, content: 'Hello' }],
    tools: options.tools ?? [],
    sizes: options.sizes ?? null,
    provider,
    model: model.modelFor(provider, options.model ?? null),
    place: options.place ?? (['me', randomUUID(), randomUUID()] as const),
  };
  const sink = {
    queued(position: number) {
      queued = position;
    },
    textWasReasoning() {
      reasoning += text;
      text = '';
    },
    withoutTools() {
      withoutTools += 1;
    },
    withoutSome(names: readonly string[]) {
      leftOut.push(...names);
    },
    text(delta: string) {
      text += delta;
      options.onText?.(delta);
    },
    reasoning(delta: string) {
      reasoning += delta;
    },
  };
  const end = await model.stream(request, sink, options.signal ?? new AbortController().signal);
  return { text, reasoning, queued, withoutTools, leftOut, end };
}
