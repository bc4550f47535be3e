/**
 * Decides about an answer that has neither text nor a tool call: models send one when all went into their reasoning, or
 * after the results of tools. It is committed as a row, so that a restart does not ask again and again. Pure.
 */
import type { ModelAnswer } from '../hop-answers.ts';
import type { NewRow } from '../../log.ts';
import { chartFault } from '../../faults.ts';
import { answerRow } from '../rows/turn-rows.ts';
import { isBlank } from '../../context-window/model-messages.ts';

/** How often the model is asked in one hop if it sends empty answers. Usually the second answer has text. */
const MAX_REQUESTS = 2;

/** True for an answer that ended by itself and shows nothing. One that was cut says so by its finish reason. */
export function isEmpty({ finishReason, calls, text }: ModelAnswer): boolean {
  return finishReason === 'stop' && calls.length === 0 && isBlank(text);
}

/** True if the model may be asked again after one more empty answer. `emptyAnswers`: those of the hop so far. */
export function mayAskAgain(emptyAnswers: number): boolean {
  return emptyAnswers + 1 < MAX_REQUESTS;
}

/** The row of an empty answer after which the model is asked again. The model does not see it. */
export function emptyRow(turn: { requestId: string; hops: number }, answer: ModelAnswer): NewRow {
  const row = answerRow(turn, answer);
  return { ...row, extra: { ...row.extra, asked_again: true } };
}

/** The number of empty answers in the current hop, after this row of an answer. */
export function emptyAnswersAfter(before: number, row: Pick<NewRow, 'tool_calls' | 'extra'>): number {
  if (row.tool_calls !== null) return 0;
  return row.extra['asked_again'] === true ? before + 1 : before;
}

/** What the answer has instead of text, in words. */
export function emptyWords({ reasoning }: Pick<ModelAnswer, 'reasoning'>): string {
  return isBlank(reasoning) ? 'nothing' : 'only reasoning';
}

/** The fault of a hop whose answers were all empty. */
export function emptyFault(provider: string, answer: ModelAnswer) {
  const message = `The model of provider "${provider}" sent ${emptyWords(answer)} instead of an answer, ${MAX_REQUESTS} times. Try again, or choose another model.`;
  return chartFault('provider_empty', message, { provider, ...(answer.model === null ? {} : { model: answer.model }) });
}
