/**
 * Decides what the demo model answers: tool calls if the message asks for some, else text. Pure, a function of the
 * request alone, so the demo remembers the same after a restart.
 */
import { keyVariablesInWords } from '../llm/providers/presets.ts';
import type { DemoConversation } from './model-history.ts';
import { examples, maxPhraseChars, plannedHops, type DemoCall } from './model-tools.ts';

/** One answer. Its text is empty if it asks for calls. */
export interface DemoAnswer {
  text: string;
  calls: readonly DemoCall[];
}

/** Shown often, so that people do not mistake the demo for a language model. */
const notice = `This is Parley's built-in demo, not a language model. For a real one set ${keyVariablesInWords()} and restart.`;

/** What the demo model says or calls next. */
export function answer(conversation: DemoConversation): DemoAnswer {
  const calls = plannedHops(conversation.question, conversation.tools)[conversation.hopsDone];
  if (calls) return { text: '', calls };
  if (conversation.outcomes.length > 0) return { text: report(conversation), calls: [] };
  for (const topic of topics) {
    const match = topic.phrase.exec(conversation.question.trim().slice(0, maxPhraseChars));
    if (match) return { text: topic.say(match, conversation), calls: [] };
  }
  return { text: introduce(conversation), calls: [] };
}

interface Topic {
  phrase: RegExp;
  say(match: RegExpExecArray, conversation: DemoConversation): string;
}

/** Limits of long answers, which are there to be watched and cancelled. */
const longestCount = 2_000;
const longestSpeech = 5_000;

const topics: readonly Topic[] = [
  {
    phrase: /^(?:please )?count (?:up )?to (\d+)/i,
    say: ([, to]) => Array.from({ length: Math.min(Number(to), longestCount) }, (_, at) => `${at + 1}`).join(', '),
  },
  {
    phrase: /^\/say (\d+)/i,
    say: ([, words]) => story(Math.min(Number(words), longestSpeech)),
  },
  {
    phrase: /\b(?:tell|write)\b.*\bstory\b/i,
    say: ([asked]) => story(/\blong\b/i.test(asked) ? 600 : 120),
  },
  {
    phrase:
      /what did i (?:just )?(?:say|ask|tell you|write)\b.*\bfirst\b|what (?:was|is) (?:the|my) first (?:message|question|thing)/i,
    say: (_match, { earlier }) => recall(earlier[0], 'The first thing you said was'),
  },
  {
    phrase:
      /what did i (?:just )?(?:say|ask|tell you|write)\b|what (?:was|is) my (?:last|previous) (?:message|question)/i,
    say: (_match, { earlier }) => recall(earlier.at(-1), 'Before this you said'),
  },
  {
    phrase: /what(?:'s| is) my name|who am i\b|do you (?:know|remember) my name/i,
    say: (_match, { earlier }) => {
      const name = earlier.map((said) => nameIn(said)).findLast((found) => found !== null);
      return name ? `Your name is ${name}.` : 'You have not said your name.';
    },
  },
  {
    phrase: /\bmy name is\b|\bcall me\b/i,
    say: (_match, { question }) =>
      `Nice to meet you, ${nameIn(question) ?? 'you'}. Ask me later what your name is. ${notice}`,
  },
];

function nameIn(said: string): string | null {
  return /\b(?:my name is|call me) ([\p{L}\p{M}'’-]{1,40})/iu.exec(said)?.[1] ?? null;
}

function recall(said: string | undefined, opening: string): string {
  return said === undefined
    ? 'This is the first message of yours that I can see.'
    : `${opening}: "${excerpt(said, 300)}"`;
}

function introduce({ question, tools }: DemoConversation): string {
  const tries = [...examples(tools), 'count to 50', 'what did I say before?']
    .map((example) => `\`${example}\``)
    .join(', ');
  return `You said: "${excerpt(question, 120)}". ${notice} Things to try here: ${tries}.`;
}

/** Reports the results of the turn's tool calls, a line each. */
function report({ outcomes }: DemoConversation): string {
  return outcomes
    .map(({ name, arguments: given, result }) => {
      const asked = given === '{}' ? '' : ` for ${excerpt(given, 120)}`;
      return `The tool ${name} answered${asked}: ${excerpt(result, 600) || '(nothing)'}`;
    })
    .join('\n');
}

const sentences = [
  'An old lighthouse kept a log of every ship that passed.',
  'Each night the keeper wrote one line before the lamp was lit.',
  'When a storm put out the lamp, the line was already there.',
  'The ships that came back asked only for what they had missed.',
  'Each ship got every line once, and no line was left out.',
  'So the harbour slept well, and the log grew by another line.',
];

function story(words: number): string {
  const all = sentences.join(' ').split(' ');
  return Array.from({ length: words }, (_, at) => all[at % all.length]).join(' ');
}

function excerpt(text: string, length: number): string {
  const line = text.trim();
  if (line.length <= length) return line;
  // Half a surrogate pair is no text.
  return `${line.slice(0, length - 3).replace(/[\uD800-\uDBFF]$/, '')}...`;
}
