/**
 * Answers MCP servers that ask the model (sampling): one request to the active provider, outside any turn. Cuts the answer
 * at its budget, by a rough measure for all providers. Never retries.
 */
import { randomUUID } from 'node:crypto';
import type { Fault } from '../../machines/log.ts';
import type { Sample } from '../mcp/server-requests/sampling.ts';
import type { LanguageModel } from './port.ts';

/** A token of English is about four characters. */
const CHARS_PER_TOKEN = 4;
/** The owner of these requests in the queue: all servers share it. */
const OWNER = 'mcp-sampling';

/**
 * Creates the function. It resolves to null without a provider, after an abort, and if the request fails. `onFailure`
 * gets the fault then.
 */
export function createSample(
  model: Pick<LanguageModel, 'providers' | 'modelFor' | 'stream'>,
  onFailure: (fault: Fault) => void,
): Sample {
  return async ({ systemPrompt, messages, maxTokens }, signal) => {
    const [active] = model.providers;
    if (!active) return null;
    const budget = new AbortController();
    let text = '';
    const sink = {
      queued() {},
      withoutTools() {},
      withoutSome() {},
      reasoning() {},
      textWasReasoning() {
        text = '';
      },
      text(delta: string) {
        text += delta;
        if (text.length > maxTokens * CHARS_PER_TOKEN) budget.abort();
      },
    };
    const system = systemPrompt === '' ? [] : [{ role: 'system' as const, content: systemPrompt }];
    const asked = messages.map(({ role, text: content }) => ({ role, content }));
    const name = model.modelFor(active.name, null);
    const end = await model.stream(
      {
        messages: [...system, ...asked],
        tools: [],
        sizes: null,
        provider: active.name,
        model: name,
        place: [OWNER, randomUUID()],
      },
      sink,
      AbortSignal.any([signal, budget.signal]),
    );
    if (end.status === 'failed') onFailure(end.fault);
    if (end.status === 'failed' || signal.aborted) return null;
    const isCut = end.status === 'aborted' || end.finishReason === 'length';
    return {
      text: text.slice(0, maxTokens * CHARS_PER_TOKEN).toWellFormed(),
      model: end.status === 'finished' ? end.model : name,
      stopReason: isCut ? 'maxTokens' : 'endTurn',
    };
  };
}
