/**
 * The command line: what was asked for, or what is wrong with it. Parsing only; prints nothing,
 * ends nothing.
 */
import { parseArgs } from 'node:util';
import { closest } from './config/suggest.ts';

export type Command =
  | { kind: 'run'; file?: string; port?: number }
  | { kind: 'help'; text: string }
  | { kind: 'version' }
  /** `text` says what is wrong and how to use the command. For stderr and exit code 2. */
  | { kind: 'invalid'; text: string };

const usage = `Usage: ./run.sh [--config FILE] [--port N]
       ./run.sh test

Starts the Parley chat server. Stop it with Ctrl-C; a second Ctrl-C does not wait for running turns.

  --config FILE  settings that differ from the defaults (or PARLEY_CONFIG=FILE)
  --port N       port to listen on, instead of the configured one; 0 takes any free one
  --help         show this
  --version      show the version

  test           run the checks and tests of the project

Every setting and its default: config/config.yaml and docs/configuration.md.
`;

const options = {
  config: { type: 'string' },
  port: { type: 'string' },
  help: { type: 'boolean' },
  version: { type: 'boolean' },
} as const;

const flags = Object.keys(options).map((name) => `--${name}`);

/** Parses the arguments after the program's name. `--help` and `--version` win over the rest; of a repeated flag the last holds. */
export function parseCli(args: readonly string[]): Command {
  // Not strict: the tokens tell all that is needed, and the words are ours.
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const command: { kind: 'run'; file?: string; port?: number } = { kind: 'run' };
  let wants: 'help' | 'version' | null = null;
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') return invalid(`"${token.value}" is not understood`);
    const { name, rawName, value, inlineValue } = token;
    if (name === 'config' || name === 'port') {
      // A flag in the value's place means that the value was forgotten.
      if (!value || (!inlineValue && value.startsWith('--'))) return invalid(`${rawName} needs a value`);
      if (name === 'config') {
        command.file = value;
      } else {
        const port = Number(value);
        if (!/^\d+$/.test(value) || port > 65_535) {
          return invalid(`--port needs a whole number from 0 to 65535, not "${value}"`);
        }
        command.port = port;
      }
    } else if (name === 'help' || name === 'version') {
      if (value !== undefined) return invalid(`${rawName} takes no value`);
      wants ??= name;
    } else {
      const meant = closest(rawName, flags);
      return invalid(`${rawName} is not a known flag${meant ? `; did you mean ${meant}?` : ''}`);
    }
  }
  if (wants === 'help') return { kind: 'help', text: usage };
  return wants === 'version' ? { kind: 'version' } : command;
}

function invalid(problem: string): Command {
  return { kind: 'invalid', text: `${problem}\n\n${usage}` };
}
