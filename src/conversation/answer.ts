/**
 * The actor behind `streaming`: asks the model, hands its deltas straight to the followers, and tells
 * the chart only how it ended. The text under construction lives in the outbox's draft, once.
 */
import { randomUUID } from 'node:crypto';
import { fromCallback } from 'xstate';
import { z } from 'zod';
import type { AnswerInput, AnswerStop } from '../../machines/conversation-setup.ts';
import type { Answer, AskedCall, InternalEvent } from '../../machines/conversation-types.ts';
import type { Usage } from '../../machines/log.ts';
import type { AnswerEnd, LanguageModel } from '../llm/model.ts';
import type { Outbox } from '../outbox/outbox.ts';

export interface AnswerDeps {
  model: LanguageModel;
  outbox: Pick<Outbox, 'draft'>;
  countTokens(text: string): number | Promise<number>;
}

const jsonObject = z.record(z.string(), z.unknown());

export function createAnswerLogic({ model, outbox, countTokens }: AnswerDeps) {
  return fromCallback<AnswerStop, AnswerInput>(({ input, sendBack, receive }) => {
    const abort = new AbortController();
    const draft = outbox.draft(input, input.requestId, randomUUID());
    const report = (event: InternalEvent) => sendBack(event);
    receive(() => abort.abort());

    void model.stream(
      {
        messages: input.messages.slice(),
        tools: [...input.tools.values()].map(({ name, description, inputSchema }) => ({ type: 'function', function: { name, description, parameters: inputSchema } })),
        provider: input.provider,
        attempt: input.attempt,
      },
      draft,
      abort.signal,
    ).then(async (end) => {
      const { text, reasoning } = draft.finish();
      const finished = end.status === 'finished' ? end : null;
      const answer: Answer = {
        messageId: draft.messageId,
        text,
        reasoning,
        calls: (finished?.toolCalls ?? []).map(askedCall),
        finishReason: finishReasonOf(end),
        usage: finished?.usage ?? (text === '' && !finished ? null : await estimate(input, text, countTokens)),
        model: finished?.model ?? null,
      };
      if (end.status === 'failed') report({ type: 'answer.failed', answer, fault: end.fault, retryAfterMs: end.retryAfterMs, jitter: Math.random() });
      else report({ type: 'answer.finished', answer });
    });

    return () => abort.abort();
  });
}

function finishReasonOf(end: AnswerEnd): Answer['finishReason'] {
  if (end.status === 'aborted') return 'cancelled';
  return end.status === 'failed' ? 'failed' : end.finishReason;
}

/** Call ids are ours: providers repeat theirs. */
function askedCall({ name, arguments: text }: { name: string; arguments: string }): AskedCall {
  return { callId: `call_${randomUUID()}`, name, text, arguments: parseArguments(text) };
}

/** Some providers send nothing where a call has no arguments. */
function parseArguments(text: string): Record<string, unknown> | null {
  if (text.trim() === '') return {};
  try {
    const parsed = jsonObject.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** For providers that report no usage. */
async function estimate(input: AnswerInput, text: string, countTokens: AnswerDeps['countTokens']): Promise<Usage> {
  let prompt = 0;
  for (const message of input.messages) prompt += await countTokens(message.content ?? '');
  const completion = await countTokens(text);
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion, estimated: true };
}
