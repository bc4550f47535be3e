/** The help of the command line: the synopsis and the description of each command. Texts only. */

/** The parts of the help of one command. */
interface Usage {
  /** What follows `./run.sh`. */
  synopsis: string;
  /** Lines of at most 90 characters. */
  description: string;
}

const configFlag = '--config FILE  the configuration that names the database (or PARLEY_CONFIG=FILE)';

const commands = {
  run: {
    synopsis: '[--config FILE] [--port N]',
    description: `Starts the Parley chat server. Stop it with Ctrl-C; a second Ctrl-C does not wait for
running turns.

  --config FILE  settings that differ from the defaults (or PARLEY_CONFIG=FILE)
  --port N       port to listen on, instead of the configured one; 0 takes any free one
  --help, -h     show this; after a command, the help of that command
  --version      show the version`,
  },
  say: {
    synopsis: 'say TEXT [--port N] [--config FILE]',
    description: `Sends one message to the running server and prints the answer. Ctrl-C stops the turn.

  --port N       port of the server, if it is not the configured one
  --config FILE  the configuration of the server (or PARLEY_CONFIG=FILE)

The environment variable PARLEY_TOKEN holds the token, if the server asks for one.`,
  },
  backup: {
    synopsis: 'backup FILE [--config FILE]',
    description: `Copies the database to FILE, also while the server runs.

  ${configFlag}`,
  },
  check: {
    synopsis: 'check [FILE] [--config FILE]',
    description: `Reports what is wrong with the database, or with FILE. Ends with 1 if anything is.

  ${configFlag}`,
  },
  replay: {
    synopsis: 'replay CONVERSATION [--file ROWS] [--config FILE]',
    description: `Prints the log of a conversation row by row, and the state after each row.

  --file ROWS    read rows that were exported as JSON lines, instead of the database
  ${configFlag}`,
  },
  token: {
    synopsis: 'token SUBJECT',
    description: `Makes a token for a user, and prints the lines of the configuration that accept it.`,
  },
  inspect: {
    synopsis: 'inspect CONVERSATION [--port N] [--config FILE]',
    description: `Prints where a conversation of the running server can be watched: on Parley's own page,
and in Stately's inspector.

  --port N       port of the server, if it is not the configured one
  --config FILE  the configuration of the server (or PARLEY_CONFIG=FILE)

The environment variable PARLEY_TOKEN holds the token, if the server asks for one.`,
  },
  test: {
    synopsis: 'test',
    description: `Runs the checks and tests of the project: types, lint, every test.`,
  },
  model: {
    synopsis: 'model [--config FILE] [--flows FILE] [--tool NAME] [--only TEXT] [--all]',
    description: `Tests your own prompts, tools and limits with a scripted model: test/model/README.md.

  --config FILE  the configuration to test; without it, Parley's own
  --flows FILE   what tools are called with, and flows of your own
  --tool NAME    only the flows of this tool
  --only TEXT    only flows with this in their name
  --all          also tools that may change things

Without --config, --flows and --tool, the flows of the project's own chart:

  --hops N       only those under this limit of tool hops
  --part N       N of them, chosen by --seed
  --seed TEXT    the same seed chooses the same flows
  --only ID      that flow, by its id or its name
  --moves JSON   a flow that a failure reported, with its --hops`,
  },
} as const satisfies Record<string, Usage>;

/** A command that the help describes. */
export type CommandName = keyof typeof commands;

/** Whether a word names a command. `run` is the command without a name. */
export function isCommandName(word: string): word is Exclude<CommandName, 'run'> {
  return word !== 'run' && Object.hasOwn(commands, word);
}

/** The names of all commands that have one. */
export const commandNames: readonly string[] = Object.keys(commands).filter(isCommandName);

/** One line that says how a command is typed. */
export function synopsisOf(name: CommandName): string {
  return `Usage: ./run.sh ${commands[name].synopsis}\n`;
}

/** The whole help of a command. Of `run`: also one line for each other command. */
export function usageOf(name: CommandName): string {
  const help = `${synopsisOf(name)}\n${commands[name].description}\n`;
  return name === 'run' ? `${help}${overview}` : help;
}

const short: Record<Exclude<CommandName, 'run'>, [synopsis: string, purpose: string]> = {
  say: ['say TEXT', 'send one message to the running server and print the answer'],
  backup: ['backup FILE', 'copy the database to FILE'],
  check: ['check [FILE]', 'report what is wrong with the database, or with FILE'],
  replay: ['replay CONVERSATION', 'print the log of a conversation row by row'],
  token: ['token SUBJECT', 'make a token for a user'],
  inspect: ['inspect CONVERSATION', 'print where a conversation can be watched'],
  test: ['test', 'run the checks and tests of the project'],
  model: ['model', 'test your own prompts, tools and limits'],
};

const overview = `
Commands, each with its own --help:

${Object.values(short)
  .map(([synopsis, purpose]) => `  ${synopsis.padEnd(22)}${purpose}`)
  .join('\n')}

Every setting and its default: config/config.yaml and docs/reference/configuration.md.
`;
