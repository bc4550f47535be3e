/**
 * Which tools a message to the demo model asks for: a table of phrases, matched against the tools
 * that the request offers. Pure. `then` separates hops; `and also`, a comma, a semicolon, a line
 * or a plain `and` before another such phrase separates parallel calls of one hop.
 */
import type { OfferedTool } from './model-history.ts';

export interface DemoCall {
  name: string;
  /** JSON, except where `/call` was given something else to try. */
  arguments: string;
}

interface Skill {
  /** Names of tools that can do it, bare or behind a server's prefix. */
  named: RegExp;
  /** What a tool of another name says of itself. */
  described: RegExp;
  /** What people say; its groups are the arguments. */
  phrases: readonly RegExp[];
  /** The tool's parameters, in the order of the groups. */
  parameters: readonly string[];
  read(group: string): string | number;
  /** Stands in for a group that was not said; null: the argument is left out. */
  missing: string | null;
  /** Shown to people who ask what can be tried. */
  example: string;
}

/** Longer messages are not searched for phrases: some patterns take quadratic time, and nobody types that. */
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

/** The calls that `text` asks for, hop by hop; empty if it asks for no tool that is offered. */
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

/** Examples of what can be asked of the tools that are offered. */
export function examples(tools: readonly OfferedTool[]): string[] {
  return skills.filter((skill) => toolFor(skill, tools) !== undefined).map((skill) => skill.example);
}

/** `/call TOOL ARGUMENTS`, one a line; a line `then` begins the next hop. The tool need not be offered. */
function literalHops(text: string): DemoCall[][] {
  const hops: DemoCall[][] = [[]];
  for (const line of text.split('\n')) {
    const call = /^\s*\/call\s+(\S+)\s*(.*)$/.exec(line);
    if (call) hops.at(-1)?.push({ name: call[1] ?? '', arguments: call[2]?.trim() || '{}' });
    else if (/^\s*then\s*$/i.test(line)) hops.push([]);
  }
  return hops.filter((hop) => hop.length > 0);
}

/** Splits before every piece that asks for something by itself: the words in a text to count stay together. */
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

/** Under the tool's own parameter names where they differ from those expected. */
function argumentsOf(skill: Skill, match: RegExpExecArray, tool: OfferedTool): Record<string, string | number> {
  const names = skill.parameters.every((name) => tool.parameters.includes(name)) ? skill.parameters : tool.parameters;
  return Object.fromEntries(
    skill.parameters.flatMap((expected, at) => {
      const group = match[at + 1] ?? skill.missing;
      return group === null ? [] : [[names[at] ?? expected, skill.read(group)]];
    }),
  );
}
