/**
 * Finds the tool calls that a message to the demo model asks for, with a table of phrases and the tools that the request
 * offers. Pure. `then` separates hops. `and also`, a comma, a semicolon, a line break or a plain `and` before another
 * such phrase separates parallel calls of one hop.
 */
import type { OfferedTool } from './model-history.ts';

/** A tool call in the answer. */
export interface DemoCall {
  name: string;
  /** JSON; anything with `/call`, to try invalid arguments. */
  arguments: string;
}

interface Skill {
  /** Matches names of suitable tools, with or without a server's prefix. */
  named: RegExp;
  /** Matches the description of suitable tools with another name. */
  described: RegExp;
  /** Phrases of people. The groups are the arguments. */
  phrases: readonly RegExp[];
  /** The tool's parameters, in the order of the groups. */
  parameters: readonly string[];
  read(group: string): string | number;
  /** Default for an absent group. Null leaves the argument out. */
  missing: string | null;
  /** Shown among the things to try. */
  example: string;
}

/** Longer messages are not searched for phrases, because some patterns take quadratic time. */
export const maxPhraseChars = 4_000;

const number = String.raw`(-?\d+(?:\.\d+)?)`;

const skills: readonly Skill[] = [
  {
    named: /(^|[_-])(add|sum)$/i,
    described: /\badds? (two )?numbers\b|\bsum of\b/i,
    phrases: [
      new RegExp(String.raw`^(?:please )?add ${number} (?:and|to|plus) ${number}\b`, 'i'),
      new RegExp(String.raw`^(?:(?:what|how much) is )?${number} ?(?:\+|plus) ?${number}\b`, 'i'),
    ],
    parameters: ['a', 'b'],
    read: Number,
    missing: null,
    example: 'add 2 and 3',
  },
  {
    named: /(^|[_-])(current_time|get_time|time)$/i,
    described: /\bcurrent time\b/i,
    phrases: [
      /^(?:what time is it|what(?:'s| is) the time|(?:tell me )?the current time)(?: now)?(?: in ([\w/+-]+))?/i,
    ],
    parameters: ['timezone'],
    read: String,
    missing: null,
    example: 'what time is it',
  },
  {
    named: /(^|[_-])(word_count|count_words)$/i,
    described: /\bcounts? (the )?words\b/i,
    phrases: [/^(?:please )?(?:count (?:the )?words|how many words are) (?:in|of):? ?["“]?([^]+?)["”]?$/i],
    parameters: ['text'],
    read: String,
    missing: null,
    example: 'count the words in to be or not to be',
  },
  {
    named: /(^|[_-])list_(folder|files|directory|dir)$/i,
    described: /\blists? (the )?(files|entries|contents)\b/i,
    phrases: [/^(?:please )?(?:list|show)(?: me)? (?:the |all )?(?:files|folder|directory)(?: (?:in|of|at) (\S+))?/i],
    parameters: ['path'],
    read: String,
    missing: '.',
    example: 'list the files',
  },
];

/** Returns the calls that `text` asks for, hop by hop. Empty if it asks for no offered tool. */
export function plannedHops(text: string, tools: readonly OfferedTool[]): DemoCall[][] {
  if (/^[ \t]*\/call\s/m.test(text)) return literalHops(text);
  if (text.length > maxPhraseChars) return [];
  const asks = (piece: string) => callFor(piece, tools) !== null;
  return splitWhere(text, /[,.;]?\s+(?:and )?then\s+/i, asks)
    .map((hop) =>
      splitWhere(hop, /\s*[,;\n]\s*(?:and )?(?:also )?|\s+(?:and )?also\s+|\s+and\s+/i, asks).flatMap(
        (piece) => callFor(piece, tools) ?? [],
      ),
    )
    .filter((hop) => hop.length > 0);
}

/** Returns examples for the offered tools. */
export function examples(tools: readonly OfferedTool[]): string[] {
  return skills.filter((skill) => toolFor(skill, tools) !== undefined).map((skill) => skill.example);
}

/** Reads `/call TOOL ARGUMENTS`, one a line. A line `then` begins the next hop. The tool need not be offered. */
function literalHops(text: string): DemoCall[][] {
  const hops: DemoCall[][] = [[]];
  for (const line of text.split('\n')) {
    const call = /^\s*\/call\s+(\S+)\s*(.*)$/.exec(line);
    if (call) hops.at(-1)?.push({ name: call[1] ?? '', arguments: call[2]?.trim() || '{}' });
    else if (/^\s*then\s*$/i.test(line)) hops.push([]);
  }
  return hops.filter((hop) => hop.length > 0);
}

/** Splits before every piece that asks for something by itself, so a text to count stays together. */
function splitWhere(text: string, separator: RegExp, asks: (piece: string) => boolean): string[] {
  const splitter = new RegExp(separator.source, 'gi');
  const pieces: string[] = [];
  let from = 0;
  for (const match of text.matchAll(splitter)) {
    const after = match.index + match[0].length;
    if (!asks(text.slice(after))) continue;
    pieces.push(text.slice(from, match.index));
    from = after;
  }
  return [...pieces, text.slice(from)];
}

function callFor(piece: string, tools: readonly OfferedTool[]): DemoCall | null {
  const said = piece.trim().replace(/[?!.]+$/, '');
  for (const skill of skills) {
    const match = skill.phrases.map((phrase) => phrase.exec(said)).find((found) => found !== null);
    const tool = match && toolFor(skill, tools);
    if (match && tool) return { name: tool.name, arguments: JSON.stringify(argumentsOf(skill, match, tool)) };
  }
  return null;
}

function toolFor(skill: Skill, tools: readonly OfferedTool[]): OfferedTool | undefined {
  return (
    tools.find((tool) => skill.named.test(tool.name)) ?? tools.find((tool) => skill.described.test(tool.description))
  );
}

/** Uses the tool's own parameter names if they differ from the expected ones. */
function argumentsOf(skill: Skill, match: RegExpExecArray, tool: OfferedTool): Record<string, string | number> {
  const names = skill.parameters.every((name) => tool.parameters.includes(name)) ? skill.parameters : tool.parameters;
  return Object.fromEntries(
    skill.parameters.flatMap((expected, at) => {
      const group = match[at + 1] ?? skill.missing;
      return group === null ? [] : [[names[at] ?? expected, skill.read(group)]];
    }),
  );
}
