/**
 * Separates reasoning from text by the tags around it. Servers without a parser for reasoning send both in the content,
 * for example `<think>...</think>` before the answer. Tags count at the head only: later in a text they are its subject.
 */
import { createUnopenedSearch, partAtEnd } from './unopened-reasoning.ts';

/** Pairs of tags: nearly all models use the first; the last three are of Magistral, Kimi and Seed-OSS. */
const PAIRS: readonly (readonly [opening: string, closing: string])[] = [
  ['<think>', '</think>'],
  ['<thinking>', '</thinking>'],
  ['<reasoning>', '</reasoning>'],
  ['<thought>', '</thought>'],
  ['[THINK]', '[/THINK]'],
  ['◁think▷', '◁/think▷'],
  ['<seed:think>', '</seed:think>'],
];

/** `opened`: the template of the model writes the opening tag, so an answer begins within its reasoning. */
export const reasoningTagModes = ['auto', 'opened', 'never'] as const;
/** The values of `reasoning_tags`. */
export type ReasoningTagMode = (typeof reasoningTagModes)[number];

/** Receives the parts in their order, none of them empty. */
export interface TaggedParts {
  text(part: string): void;
  reasoning(part: string): void;
  /** All text so far was reasoning. */
  textWasReasoning(): void;
}

/** The reader of one answer. */
export interface ReasoningTags {
  /** Adds a piece of the content, cut anywhere. Holds back what may be a part of a tag. */
  add(piece: string): void;
  /** Passes on what was held back, at the end of the content. */
  end(): void;
}

/** White space before an answer is held back up to this length. */
const MAX_HELD_CHARS = 4_096;

/** Without its closing tag, all that follows an opening tag is reasoning: it was not written for the reader. */
export function createReasoningTags(mode: ReasoningTagMode, parts: TaggedParts): ReasoningTags {
  /** `head`: before any text. `begun`: right behind an opening tag. `inside`: within reasoning. `text`: within the answer. */
  let place: 'head' | 'begun' | 'inside' | 'text' = mode === 'opened' ? 'begun' : 'head';
  let closing = '</think>';
  let held = '';
  /** White space between reasoning and answer is dropped. */
  let hasReasoning = mode === 'opened';
  const unopened = createUnopenedSearch();

  const say = (part: string) => part !== '' && parts.text(part);
  const think = (part: string) => part !== '' && parts.reasoning(part);

  function readText(piece: string): void {
    if (hasReasoning) return void say(piece);
    const { text, answer } = unopened.add(piece);
    say(text);
    if (answer === null) return;
    parts.textWasReasoning();
    hasReasoning = true;
    leave(answer);
    readHeld();
  }

  function readHeld(): void {
    while (step());
  }

  /** Reads the beginning of `held`. False: the rest is not certain yet. */
  function step(): boolean {
    const visible = held.trimStart();
    switch (place) {
      case 'head': {
        const pair = pairAt(visible);
        if (pair) return enter(pair, visible);
        if (mayBecome(visible, openings) && held.length < MAX_HELD_CHARS) return false;
        const text = hasReasoning ? visible : held;
        [place, held] = ['text', ''];
        readText(text);
        return false;
      }
      case 'begun': {
        // A template and a model may both write the opening tag.
        const pair = pairAt(visible);
        if (pair) return enter(pair, visible);
        if (beginsWith(visible, closing)) return leave(visible.slice(closing.length));
        if (mayBecome(visible, [...openings, closing])) return false;
        [place, held] = ['inside', visible];
        return true;
      }
      case 'inside': {
        const at = held.search(new RegExp(RegExp.escape(closing), 'i'));
        if (at !== -1) {
          think(held.slice(0, at));
          return leave(held.slice(at + closing.length));
        }
        const certain = held.length - partAtEnd(held, closing);
        think(held.slice(0, certain));
        held = held.slice(certain);
        return false;
      }
      case 'text':
        return false;
    }
  }

  function enter([opening, itsClosing]: (typeof PAIRS)[number], from: string): true {
    [place, closing, hasReasoning, held] = ['begun', itsClosing, true, from.slice(opening.length)];
    return true;
  }

  function leave(rest: string): true {
    [place, held] = ['head', rest];
    return true;
  }

  if (mode === 'never') return { add: say, end: () => {} };
  return {
    add(piece) {
      if (place === 'text') return readText(piece);
      held += piece;
      readHeld();
    },
    end() {
      if (place === 'text') say(unopened.end());
      else if (place === 'inside') think(held);
      else if (place === 'head') say(hasReasoning ? held.trimStart() : held);
      held = '';
    },
  };
}

const openings = PAIRS.map(([opening]) => opening);

function pairAt(text: string): (typeof PAIRS)[number] | undefined {
  return PAIRS.find(([opening]) => beginsWith(text, opening));
}

function beginsWith(text: string, tag: string): boolean {
  return text.slice(0, tag.length).toLowerCase() === tag.toLowerCase();
}

/** True if one of the tags may begin here, once more text has come. */
function mayBecome(text: string, tags: readonly string[]): boolean {
  return tags.some((tag) => text.length < tag.length && beginsWith(tag, text));
}
