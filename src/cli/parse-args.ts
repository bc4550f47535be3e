/** Parses Parley's command line into a command, or describes the mistake. */
import { readCommandLine, type CommandLine } from './command-line.ts';
import { commandNames, isCommandName, synopsisOf, usageOf, type CommandName } from './help.ts';
import { closest } from '../config/suggest.ts';

/** One command with its values. Absent values have the defaults of the command. */
export type Command =
  | { kind: 'run'; file?: string; port?: number }
  /** `file`, here and below: the configuration of the server and its database. */
  | { kind: 'say'; text: string; file?: string; port?: number }
  | { kind: 'backup'; to: string; file?: string }
  | { kind: 'check'; database?: string; file?: string }
  | { kind: 'replay'; conversationId: string; exported?: string; file?: string }
  | { kind: 'token'; subject: string }
  | { kind: 'inspect'; conversationId: string; file?: string; port?: number }
  | { kind: 'help'; text: string }
  | { kind: 'version' }
  /** `text`: the mistake, and how to use the command. For stderr and exit code 2. */
  | { kind: 'invalid'; text: string };

type Flag = 'config' | 'port' | 'file';

/** The flags and the operands of each command. */
const commands: Record<CommandName, { flags: readonly Flag[]; operands: number; needs: string | null }> = {
  run: { flags: ['config', 'port'], operands: 0, needs: null },
  say: { flags: ['config', 'port'], operands: 1, needs: 'the text to send, in quotes' },
  backup: { flags: ['config'], operands: 1, needs: 'the file to write' },
  check: { flags: ['config'], operands: 1, needs: null },
  replay: { flags: ['config', 'file'], operands: 1, needs: 'the id of a conversation' },
  token: { flags: [], operands: 1, needs: 'the name of a subject' },
  inspect: { flags: ['config', 'port'], operands: 1, needs: 'the id of a conversation' },
  // run.sh runs these two itself. Here they only have help and messages about mistakes.
  test: { flags: [], operands: 0, needs: null },
  model: { flags: [], operands: 0, needs: null },
};

const flags = { values: ['config', 'port', 'file'], switches: ['help', 'version'] } as const;

/** Parses the arguments after the program's name. `--help` and `--version` win over the rest. */
export function parseCli(args: readonly string[]): Command {
  const typed = readCommandLine(args, flags);
  const name = (typeof typed === 'string' ? args : typed.words).find(isCommandName) ?? 'run';
  if (typeof typed === 'string') return invalid(name, typed);
  if (typed.switches.has('help')) return { kind: 'help', text: usageOf(name) };
  if (typed.switches.has('version')) return { kind: 'version' };
  return commandOf(name, typed);
}

function commandOf(name: CommandName, { words: typed, values }: CommandLine<Flag, string>): Command {
  const { flags, operands, needs } = commands[name];
  const words = typed.toSpliced(typed.indexOf(name), name === 'run' ? 0 : 1);
  const misplaced = (['config', 'port', 'file'] as const).find(
    (flag) => values[flag] !== undefined && !flags.includes(flag),
  );
  if (misplaced)
    return invalid(name, `--${misplaced} has no meaning ${name === 'run' ? 'without a command' : `with ${name}`}`);
  const extra = words[operands];
  if (extra !== undefined)
    return invalid(
      name,
      name === 'say'
        ? 'the text to send goes in quotes'
        : `"${extra}" is not understood${name === 'run' ? suggestion(extra) : ''}`,
    );
  const [word] = words;
  if (needs !== null && !word) return invalid(name, `${name} needs ${needs}`);
  const file = values.config === undefined ? {} : { file: values.config };
  switch (name) {
    case 'run':
      return withPort(values.port, { kind: name, ...file });
    case 'say':
      return withPort(values.port, { kind: name, text: word ?? '', ...file });
    case 'backup':
      return { kind: name, to: word ?? '', ...file };
    case 'check':
      return { kind: name, ...(word === undefined ? {} : { database: word }), ...file };
    case 'replay':
      return {
        kind: name,
        conversationId: word ?? '',
        ...(values.file === undefined ? {} : { exported: values.file }),
        ...file,
      };
    case 'token':
      return { kind: name, subject: word ?? '' };
    case 'inspect':
      return withPort(values.port, { kind: name, conversationId: word ?? '', ...file });
    case 'test':
    case 'model':
      return invalid(name, `${name} must be the first word after ./run.sh`);
  }
}

function suggestion(word: string): string {
  const meant = closest(word, commandNames);
  return meant === null ? '' : `; did you mean ${meant}?`;
}

function withPort(text: string | undefined, command: Extract<Command, { kind: 'run' | 'say' | 'inspect' }>): Command {
  if (text === undefined) return command;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    return invalid(command.kind, `--port needs a whole number from 0 to 65535, not "${text}"`);
  return { ...command, port };
}

function invalid(name: CommandName, problem: string): Command {
  return {
    kind: 'invalid',
    text: `${problem}\n\n${synopsisOf(name)}\n./run.sh ${name === 'run' ? '' : `${name} `}--help shows the whole help.\n`,
  };
}
