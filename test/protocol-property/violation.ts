/** What a client of a run complains of while frames come: by the rule that was broken, and in words. */

/** `early`: before the end of a catch-up; `order`: a frame about a row that comes before it; `reset`: a message that was not taken back, or should not be. */
export type Rule = 'gap' | 'repeat' | 'text' | 'early' | 'order' | 'stray' | 'answer' | 'reset';
export type ReportViolation = (rule: Rule, what: string) => void;

const SHOWN_CHARS = 300;

/** A frame, or what is held, in short. */
export function excerpt(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, SHOWN_CHARS);
}
