/**
 * Finds `</think>` in a text that has no `<think>` before it. The templates of DeepSeek-R1, QwQ and Qwen3 write the opening
 * tag themselves, so the answer begins within the reasoning and only the closing tag is in the content
 * (https://github.com/deepseek-ai/DeepSeek-R1/issues/506).
 *
 * The text has been shown by then and is taken back, so the search is strict, for an answer that only mentions the tag
 * must stay whole: the tag ends a line, is in no code (an even number of backticks precedes it), and neither tag came before.
 */

const OPENING = '<think>';
const CLOSING = '</think>';
const TAG = /<\/?think>/i;

/** The search in one answer. */
export interface UnopenedSearch {
  /** Adds a piece, cut anywhere. `text` may be shown. `answer`: what follows the tag; null while none was found. */
  add(piece: string): { text: string; answer: string | null };
  /** The rest at the end of the text. */
  end(): string;
}

/** Starts at the head of an answer. */
export function createUnopenedSearch(): UnopenedSearch {
  let held = '';
  let isOver = false;
  let backticks = 0;

  const pass = (text: string, rest: string) => {
    if (text.includes('`')) backticks += text.split('`').length - 1;
    held = rest;
    return { text, answer: null };
  };

  return {
    add(piece) {
      // Nearly every piece of an answer.
      if (held === '' && !isOver && !piece.includes('<')) return pass(piece, '');
      if (isOver) return { text: piece, answer: null };
      const whole = held + piece;
      const tag = TAG.exec(whole);
      if (tag === null) {
        const certain = whole.length - Math.max(partAtEnd(whole, OPENING), partAtEnd(whole, CLOSING));
        return pass(whole.slice(0, certain), whole.slice(certain));
      }
      const before = whole.slice(0, tag.index);
      const after = whole.slice(tag.index + tag[0].length);
      const isClosing = tag[0].length === CLOSING.length;
      if (isClosing && after === '') return pass(before, whole.slice(tag.index));
      pass(before, '');
      isOver = true;
      return isClosing && /^\r?\n|^\r$/.test(after) && backticks % 2 === 0
        ? { text: before, answer: after }
        : { text: whole, answer: null };
    },
    end() {
      const rest = held;
      held = '';
      return rest;
    },
  };
}

/** The length of the longest end of `text` that may be the beginning of `tag`. Ignores case. */
export function partAtEnd(text: string, tag: string): number {
  for (let length = Math.min(text.length, tag.length - 1); length > 0; length -= 1)
    if (text.slice(-length).toLowerCase() === tag.slice(0, length).toLowerCase()) return length;
  return 0;
}
