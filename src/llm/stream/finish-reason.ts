/** Maps the finish reasons of all providers to Parley's. */
import type { FinishedAnswer } from '../port.ts';

/** Why a model ended its answer, in Parley's words. */
export type FinishReason = FinishedAnswer['finishReason'];

/** Finish reasons of all providers, in lower case, without what follows a colon (Gemini's own reason). */
const FINISH_REASONS: readonly (readonly [FinishReason, RegExp])[] = [
  ['stop', /^(?:stop|eos|eos_token|stop_sequence|stop_token|end|end_turn|done|complete|completed)$/],
  ['length', /^(?:length|max_length|max_tokens|max_output_tokens|model_length|model_context_window_exceeded)$/],
  [
    'content_filter',
    /^(?:content_filter(?:ed)?|safety|refusal|sensitive|recitation|prohibited_content|blocklist|spii|image_safety)$/,
  ],
  ['tool_calls', /^(?:tool_calls?|tool_use|function_call)$/],
];

/** Null for a reason that is no success: an unknown one, or a failure of the provider. */
export function finishReasonOf(reason: string): FinishReason | null {
  const word = reason.toLowerCase().split(':', 1)[0]?.trim() ?? '';
  return FINISH_REASONS.find(([, words]) => words.test(word))?.[0] ?? null;
}
