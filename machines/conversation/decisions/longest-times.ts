/** Builds the faults of an answer and of a turn that reached their longest times. Pure. */
import { chartFault } from '../../faults.ts';
import type { Fault } from '../../log.ts';

/** The fault of an answer that did not end within `limitMs`. */
export function answerTimeFault(limitMs: number, provider: string): Fault {
  const message = `The answer of provider "${provider}" took longer than ${limitMs / 1000} s, the limit llm.max_answer_time. Ask for less, or raise the limit.`;
  return chartFault('answer_timeout', message, { provider });
}

/** The fault of a turn that worked for `limitMs` without an end. */
export function turnTimeFault(limitMs: number): Fault {
  const message = `The turn took longer than ${limitMs / 1000} s, the limit chat.service.max_turn_time. Ask for less, or raise the limit.`;
  return chartFault('turn_timeout', message);
}
