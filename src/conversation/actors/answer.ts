/**
 * Runs the state `streaming`: asks the model, sends its deltas straight to the followers, and reports only the end to
 * the chart. The unfinished text is held once, in the delivery's draft.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { fromCallback } from 'xstate';
import type { AnswerInput, AnswerStop } from '../../../machines/conversation/setup.ts';
import type { InternalEvent } from '../../../machines/conversation/events.ts';
import type { ModelAnswer, RequestedCall } from '../../../machines/conversation/hop-answers.ts';
import { offeredTools } from '../../../machines/conversation/decisions/hop-plan.ts';
import type { Usage } from '../../../machines/log.ts';
import { fault } from '../../errors.ts';
import { MAX_ARGUMENT_LEVELS, isDeeperThan, isObject, parseJson } from '../../json.ts';
import type { AnswerEnd, AnswerSink, FinishedAnswer, LanguageModel } from '../../llm/port.ts';
import { asFunction, explainLeftOut, REJECTED } from '../../llm/tools/left-out.ts';
import { idFromBytes } from '../../llm/strict-messages.ts';
import type { McpServers } from '../../mcp/port.ts';
import type { Chunk } from '../../protocol/chunks.ts';
import { chunkFrame } from '../../protocol/frames.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { Delivery } from '../../delivery/port.ts';
import type { TurnReport } from '../../observability/turn-report.ts';
import type { KeepDraft } from '../keep-draft.ts';

/** The parts that the actor uses. */
export interface AnswerDeps {
  model: LanguageModel;
  mcpServers: Pick<McpServers, 'fitArguments'>;
  delivery: Pick<Delivery, 'draft' | 'broadcast'>;
  countTokens(text: string): number | Promise<number>;
  turnReport: Pick<TurnReport, 'answering'>;
  metrics: Pick<Metrics, 'hopEnded' | 'used' | 'estimated'>;
  /** Read for each answer. */
  keepDraft: KeepDraft;
  onError(error: unknown): void;
}

/**
 * The logic provided as `answer`: one actor per hop. It reports exactly one `answer.finished` or `answer.failed`, also
 * after a throw. Any event aborts the stream; the answer is then the text so far.
 */
export function createAnswerLogic(deps: AnswerDeps) {
  const { model, mcpServers, delivery, countTokens, turnReport, metrics, onError } = deps;
  return fromCallback<AnswerStop, AnswerInput>(({ input, sendBack, receive }) => {
    const abort = new AbortController();
    let draft = delivery.draft(input, input.requestId, randomUUID());
    const askedModel = model.modelFor(input.provider, input.model);
    receive(() => abort.abort());
    let answering = false;
    let asking = true;
    const askedMs = performance.now();
    const sinceAskedMs = () => Math.round(performance.now() - askedMs);
    let firstTokenMs: number | null = null;
    let stopKeeping = () => {};
    const begun = () => {
      answering = true;
      firstTokenMs = sinceAskedMs();
      stopKeeping = deps.keepDraft(input, draft, askedModel);
      turnReport.answering(input, input.requestId);
    };
    const { provider } = input;
    const notify = (notice: Omit<Extract<Chunk, { type: 'notice' }>, 'type'>) =>
      delivery.broadcast(input, chunkFrame(input, { type: 'notice', ...notice }));
    const noticeFiltered = () => {
      const data = `The content filter of provider "${provider}" stopped this answer. The message and the answer are left out of later requests.`;
      notify({ kind: 'content_filtered', data, provider });
    };
    const notifyLeftOut = (leftOut: ReadonlyMap<string, string>) => {
      const data = explainLeftOut(leftOut, `model "${askedModel}" of provider "${provider}"`);
      if (data !== null) notify({ kind: 'tools_left_out', data, provider });
    };
    const sink: AnswerSink = {
      queued(position) {
        const data = `Provider "${provider}" is at its limit of requests. This request is number ${position} in the queue.`;
        notify({ kind: 'queued_for_provider', data, position, provider });
      },
      withoutTools() {
        const data = `Model "${askedModel}" of provider "${provider}" takes no tools. It is asked without them.`;
        notify({ kind: 'tools_unsupported', data, provider });
      },
      withoutSome(names) {
        notifyLeftOut(new Map(names.map((name) => [name, REJECTED])));
      },
      text(delta) {
        if (!answering) begun();
        draft.text(delta);
      },
      reasoning(delta) {
        if (!answering) begun();
        draft.reasoning(delta);
      },
      textWasReasoning() {
        stopKeeping();
        const { text, reasoning } = draft.finish();
        // Clients discard the message, and get it again under another id.
        draft = delivery.draft(input, input.requestId, randomUUID());
        stopKeeping = deps.keepDraft(input, draft, askedModel);
        draft.reasoning(reasoning + text);
      },
    };

    const finish = () => {
      stopKeeping();
      return draft.finish();
    };

    /** The provider's report, else Parley's estimate. A metric compares both for the input. */
    const usageOf = async (finished: FinishedAnswer | null, written: string): Promise<Usage> => {
      const prompt = input.contextTokens + input.sizes.tools.tokens;
      const reported = finished?.usage ?? null;
      if (reported) metrics.estimated(provider, prompt, reported.prompt_tokens);
      const usage = model.priced(
        provider,
        reported ?? estimate(prompt, await countTokens(written + callsOf(finished))),
        [finished?.model ?? askedModel, askedModel],
      );
      metrics.used(provider, askedModel, usage);
      return usage;
    };

    const ask = async (): Promise<InternalEvent> => {
      const { messages, sizes, owner, conversationId } = input;
      const offered = offeredTools(input.tools);
      const leftOut = model.leftOut(provider, askedModel, offered);
      // Once a turn, not for each of its hops.
      if (messages.at(-1)?.role === 'user') notifyLeftOut(leftOut);
      const tools = offered.filter(({ name }) => !leftOut.has(name)).map(asFunction);
      const end = await model.stream(
        { messages, tools, sizes, provider, model: askedModel, place: [owner, conversationId, draft.messageId] },
        sink,
        abort.signal,
      );
      metrics.hopEnded(
        provider,
        end.status === 'failed' ? end.fault.code : end.status,
        (performance.now() - askedMs) / 1000,
      );
      const timing = { durationMs: sinceAskedMs(), firstTokenMs };
      asking = false;
      const written = finish();
      // Strict providers reject half a surrogate pair, and with it every later turn.
      const text = written.text.toWellFormed();
      const reasoning = written.reasoning.toWellFormed();
      const finished = end.status === 'finished' ? end : null;
      if (finished?.finishReason === 'content_filter') noticeFiltered();
      const answer: ModelAnswer = {
        messageId: draft.messageId,
        text,
        reasoning,
        signatures: finished?.signatures ?? null,
        calls: await Promise.all(
          (finished?.toolCalls ?? []).map((call) => askedCall(call, input.tools, mcpServers.fitArguments)),
        ),
        finishReason: finishReasonOf(end),
        usage: finished || text !== '' || reasoning !== '' ? await usageOf(finished, reasoning + text) : null,
        model: finished?.model ?? (text === '' ? null : askedModel),
        endedAtMs: Date.now(),
        timing,
      };
      if (end.status !== 'failed') return { type: 'answer.finished', answer };
      return { type: 'answer.failed', answer, fault: end.fault, retryAfterMs: end.retryAfterMs, jitter: Math.random() };
    };
    ask().then(sendBack, (error: unknown) => {
      onError(error);
      const { text, reasoning } = finish();
      const answer: ModelAnswer = {
        messageId: draft.messageId,
        text,
        reasoning,
        signatures: null,
        calls: [],
        finishReason: 'failed',
        usage: null,
        model: null,
        endedAtMs: Date.now(),
        timing: null,
      };
      sendBack({
        type: 'answer.failed',
        answer,
        fault: fault('internal', 'The answer could not be taken in. Ask again.'),
        retryAfterMs: null,
        jitter: 0,
      });
    });

    // An abort makes an error with a stack trace, which is no price for every turn.
    return () => {
      stopKeeping();
      if (asking) abort.abort();
    };
  });
}

function finishReasonOf(end: AnswerEnd): ModelAnswer['finishReason'] {
  if (end.status === 'aborted') return 'cancelled';
  return end.status === 'failed' ? 'failed' : end.finishReason;
}

/** The text of the tool calls that a model has written. */
function callsOf(finished: FinishedAnswer | null): string {
  return (finished?.toolCalls ?? []).map((call) => call.name + call.arguments).join('');
}

/** The call with Parley's own id, because providers repeat theirs. Nine letters and digits, the only form that all accept. */
async function askedCall(
  { name: written, arguments: text }: { name: string; arguments: string },
  tools: AnswerInput['tools'],
  fitArguments: McpServers['fitArguments'],
): Promise<RequestedCall> {
  const args = parseArguments(text);
  const name = tools.has(written) ? written : plainName(written);
  const tool = tools.get(name);
  const fitted =
    args !== null && tool !== undefined
      ? await fitArguments(tool.inputSchema, args)
      : { arguments: args, violation: null };
  return { callId: idFromBytes(randomBytes(9)), name: tool ? name : written, text, ...fitted };
}

/** The name without what models add to it: `functions.NAME` (Kimi, GPT), `default_api.NAME` (Gemini), `NAME<|channel|>...` (gpt-oss). */
function plainName(name: string): string {
  return name
    .replace(/^(?:functions|default_api)\./, '')
    .replace(/<\|.*$/s, '')
    .trim();
}

/** Some providers send an empty text for a call without arguments. */
function parseArguments(text: string): Record<string, unknown> | null {
  if (text.trim() === '') return {};
  const parsed = parseJson(text);
  return isObject(parsed) && !isDeeperThan(parsed, MAX_ARGUMENT_LEVELS) ? parsed : null;
}

/** The usage if the provider reports none, or if the answer ended before its report. */
function estimate(prompt: number, completion: number): Usage {
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion, estimated: true };
}
