/**
 * The command line: what was asked for, or what is wrong with it. Parsing only; prints nothing,
 * ends nothing.
 */
import { parseArgs } from 'node:util';
import { closest } from './config/suggest.ts';

export type Command =
  | { kind: 'run'; file?: string; port?: number }
  /** `file` is the configuration's, here and below: it says where the database is. */
  | { kind: 'backup'; to: string; file?: string }
  | { kind: 'check'; database?: string; file?: string }
  | { kind: 'replay'; conversationId: string; exported?: string; file?: string }
  | { kind: 'token'; subject: string }
  | { kind: 'inspect'; conversationId: string; file?: string; port?: number }
  | { kind: 'help'; text: string }
  | { kind: 'version' }
  /** `text` says what is wrong and how to use the command. For stderr and exit code 2. */
  | { kind: 'invalid'; text: string };

const synopsis = `Usage: ./run.sh [--config FILE] [--port N]
       ./run.sh backup FILE
       ./run.sh check [FILE]
       ./run.sh replay CONVERSATION [--file ROWS]
       ./run.sh token SUBJECT
       ./run.sh inspect CONVERSATION [--port N]
       ./run.sh test
       ./run.sh model [--config FILE] [--flows FILE]
`;

const usage = `${synopsis}
Starts the Parley chat server. Stop it with Ctrl-C; a second Ctrl-C does not wait for running turns.

  --config FILE  settings that differ from the defaults (or PARLEY_CONFIG=FILE)
  --port N       port to listen on, instead of the configured one; 0 takes any free one
  --help         show this
  --version      show the version

  backup FILE    copy the database to FILE, also while the server runs
  check [FILE]   tell what is wrong with the database, or with FILE; exit code 1 if anything is
  replay CONVERSATION
                 tell row by row where a conversation stands; with --file ROWS, of rows
                 exported as JSON lines
  token SUBJECT  make a token for a user, and the lines of the configuration that let
                 it in
  inspect CONVERSATION
                 tell where a conversation of the running server can be watched: on its own
                 page, and in Stately's inspector
  test           run the checks and tests of the project
  model          test your own prompts, tools and limits from the model, with a scripted
                 model; without --config the project's: test/model/README.md

backup, check and replay find the database by the configuration, and inspect the server, so
--config works with them too.
Every setting and its default: config/config.yaml and docs/configuration.md.
`;

const options = {
  config: { type: 'string' },
  port: { type: 'string' },
  file: { type: 'string' },
  help: { type: 'boolean' },
  version: { type: 'boolean' },
} as const;

/** What each command takes beside `--config`. */
const commands = {
  run: { flag: 'port', argument: null },
  backup: { flag: null, argument: 'the file to write' },
  check: { flag: null, argument: null },
  replay: { flag: 'file', argument: 'the id of a conversation' },
  token: { flag: null, argument: 'the name of the subject that it is for' },
  inspect: { flag: 'port', argument: 'the id of a conversation' },
} as const;

type Name = keyof typeof commands;

const isName = (word: string): word is Exclude<Name, 'run'> => Object.hasOwn(commands, word) && word !== 'run';

const flags = Object.keys(options).map((name) => `--${name}`);

/** The command line as it was typed: every part of it understood by itself, none of it in its place yet. */
interface Typed {
  name: Name;
  words: string[];
  values: Partial<Record<'config' | 'port' | 'file', string>>;
  wants: 'help' | 'version' | null;
}

/** Parses the arguments after the program's name. `--help` and `--version` win over the rest; of a repeated flag the last holds. */
export function parseCli(args: readonly string[]): Command {
  const typed = read(args);
  if (typeof typed === 'string') return invalid(typed);
  if (typed.wants === 'help') return { kind: 'help', text: usage };
  if (typed.wants === 'version') return { kind: 'version' };
  return commandOf(typed);
}

/** A text is what is wrong. */
function read(args: readonly string[]): Typed | string {
  const typed: Typed = { name: 'run', words: [], values: {}, wants: null };
  // Not strict: the tokens tell all that is needed, and the words are ours.
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      if (typed.name === 'run' && isName(token.value)) typed.name = token.value;
      else typed.words.push(token.value);
      continue;
    }
    const { name, rawName, value, inlineValue } = token;
    if (name === 'config' || name === 'port' || name === 'file') {
      // A flag in the value's place means that the value was forgotten.
      if (!value || (!inlineValue && value.startsWith('--'))) return `${rawName} needs a value`;
      typed.values[name] = value;
    } else if (name === 'help' || name === 'version') {
      if (value !== undefined) return `${rawName} takes no value`;
      typed.wants ??= name;
    } else {
      const meant = closest(rawName, flags);
      return `${rawName} is not a known flag${meant ? `; did you mean ${meant}?` : ''}`;
    }
  }
  return typed;
}

function commandOf({ name, words, values }: Typed): Command {
  const { flag, argument } = commands[name];
  const misplaced = (['port', 'file'] as const).find((other) => values[other] !== undefined && other !== flag);
  if (misplaced) return invalid(`--${misplaced} has no meaning ${name === 'run' ? 'without a command' : `with ${name}`}`);
  const extra = name === 'run' ? words[0] : words[1];
  if (extra !== undefined) return invalid(`"${extra}" is not understood`);
  const [word] = words;
  if (argument !== null && word === undefined) return invalid(`${name} needs ${argument}`);
  const file = values.config === undefined ? {} : { file: values.config };
  switch (name) {
    case 'run':
      return withPort(values.port, { kind: name, ...file });
    case 'backup':
      return { kind: name, to: word ?? '', ...file };
    case 'check':
      return { kind: name, ...(word === undefined ? {} : { database: word }), ...file };
    case 'replay':
      return { kind: name, conversationId: word ?? '', ...(values.file === undefined ? {} : { exported: values.file }), ...file };
    case 'token':
      return values.config === undefined ? { kind: name, subject: word ?? '' } : invalid('--config has no meaning with token');
    case 'inspect':
      return withPort(values.port, { kind: name, conversationId: word ?? '', ...file });
  }
}

function withPort(text: string | undefined, command: Extract<Command, { kind: 'run' | 'inspect' }>): Command {
  if (text === undefined) return command;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) return invalid(`--port needs a whole number from 0 to 65535, not "${text}"`);
  return { ...command, port };
}

function invalid(problem: string): Command {
  return { kind: 'invalid', text: `${problem}\n\n${synopsis}\n./run.sh --help tells more.\n` };
}
