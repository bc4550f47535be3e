/**
 * Implements the offline demo model as a `fetch` that answers chat completion requests in this process, with pauses. It
 * is used through the same client as any endpoint, so a machine without an API key runs the whole path, tool calls
 * included. model-answer.ts decides what it answers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { answer, type DemoAnswer } from './model-answer.ts';
import { demoRequest, readConversation } from './model-history.ts';

/** The speed of the demo. */
export interface DemoModelOptions {
  /** Pause before each piece of an answer. 0 disables it. Read for each piece. */
  chunkDelayMs: number;
}

/** Length of a piece of arguments. */
const pieceChars = 16;

/** The base URL does not matter: no connection is made. */
export function createDemoModel(options: DemoModelOptions): { fetch: typeof globalThis.fetch } {
  return {
    async fetch(_input, init = {}) {
      const signal = init.signal ?? new AbortController().signal;
      signal.throwIfAborted();
      const text = typeof init.body === 'string' ? init.body : '';
      const request = demoRequest.parse(JSON.parse(text));
      const lines = eventLines(request.model, answer(readConversation(request)), Math.ceil(text.length / 4));
      const encoder = new TextEncoder();
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          // Rejects on abort, so the stream fails like that of a real fetch.
          if (options.chunkDelayMs > 0) await sleep(options.chunkDelayMs, undefined, { signal });
          signal.throwIfAborted();
          const line = lines.next();
          if (line.done) controller.close();
          else controller.enqueue(encoder.encode(`data: ${line.value}\n\n`));
        },
      });
      return new Response(body, { status: 200, headers: { 'content-type': 'text/event-stream' } });
    },
  };
}

/** Yields the answer as OpenAI's chunks: role, text in pieces, calls, finish, usage (four characters a token). */
function* eventLines(model: string, { text, calls }: DemoAnswer, promptTokens: number): Generator<string, void> {
  const chunk = (delta: object, finishReason: string | null = null) =>
    JSON.stringify({
      object: 'chat.completion.chunk',
      model,
      choices: [{ index: 0, delta, finish_reason: finishReason }],
    });

  yield chunk({ role: 'assistant', content: '' });
  for (const piece of text.match(/\s*\S{1,16}\s?/gu) ?? []) yield chunk({ content: piece });
  for (const [index, call] of calls.entries()) {
    yield chunk({
      tool_calls: [{ index, id: `call_${index}`, type: 'function', function: { name: call.name, arguments: '' } }],
    });
    for (let at = 0; at < call.arguments.length; at += pieceChars) {
      yield chunk({ tool_calls: [{ index, function: { arguments: call.arguments.slice(at, at + pieceChars) } }] });
    }
  }
  yield chunk({}, calls.length > 0 ? 'tool_calls' : 'stop');
  const written = text.length + calls.reduce((sum, call) => sum + call.name.length + call.arguments.length, 0);
  const completionTokens = Math.ceil(written / 4);
  const usage = {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
  yield JSON.stringify({ object: 'chat.completion.chunk', model, choices: [], usage });
  yield '[DONE]';
}
