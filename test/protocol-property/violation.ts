/** Defines the rules that a frame may break, and the function by which a simulated client reports it. */

/**
 * `early`: before the end of a catch-up. `order`: about a row that comes later. `stray`: not requested. `reset`: a
 * message was not reset, or wrongly.
 */
export type Rule = 'gap' | 'repeat' | 'text' | 'early' | 'order' | 'stray' | 'answer' | 'reset';
export type ReportViolation = (rule: Rule, what: string) => void;

const SHOWN_CHARS = 300;

/** Formats a frame or a state in short. */
export function excerpt(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, SHOWN_CHARS);
}
