/**
 * Reads the options of the runners (proof, property, fuzz, conformance, bench, model). `--help` prints the usage. A
 * wrong command line ends the process with one sentence, the synopsis and exit code 2.
 */
import { readCommandLine } from '../../src/cli/command-line.ts';
import { onOutputError } from '../../src/cli/output.ts';

export interface RunnerOptions<Name extends string, Switch extends string> {
  text(name: Name): string | undefined;
  /** A number from `least` on. Any other value ends the process as `refuse` does. */
  number(name: Name, least: number): number | undefined;
  has(name: Switch): boolean;
  /** The arguments that are no flags, in order; empty unless the runner takes words. */
  readonly words: readonly string[];
  /** True after the reader of standard output or standard error has closed it. The runner then cleans up and ends. */
  isUnread(): boolean;
  /** Ends the process: prints the sentence and the synopsis to standard error, exit code 2. */
  refuse(problem: string): never;
}

/**
 * `usage` begins with the synopsis, in one paragraph. Ends the process for `--help` and for a wrong command line.
 * Refuses arguments that are no flags unless `takesWords`.
 */
export function readRunnerOptions<Name extends string = never, Switch extends string = never>(
  usage: string,
  names: readonly Name[] = [],
  switches: readonly Switch[] = [],
  takesWords = false,
): RunnerOptions<Name, Switch> {
  let isUnread = false;
  onOutputError(() => {
    isUnread = true;
  });
  const refuse = (problem: string): never => {
    process.stderr.write(`${problem}\n\n${usage.split('\n\n', 1)[0]?.trimEnd()}\n`);
    process.exit(2);
  };
  const line = readCommandLine(process.argv.slice(2), { values: names, switches: [...switches, 'help' as const] });
  if (typeof line === 'string') return refuse(line);
  const { words, values, switches: given } = line;
  if (given.has('help')) {
    process.stdout.write(`${usage.trimEnd()}\n`);
    process.exit(0);
  }
  if (words[0] !== undefined && !takesWords) return refuse(`"${words[0]}" is not understood`);
  return {
    text: (name) => values[name],
    number(name, least) {
      const written = values[name];
      if (written === undefined) return undefined;
      const number = Number(written);
      return number >= least && Number.isFinite(number)
        ? number
        : refuse(`--${name} needs a number from ${least} on, not "${written}"`);
    },
    has: (name) => given.has(name),
    words,
    isUnread: () => isUnread,
    refuse,
  };
}
