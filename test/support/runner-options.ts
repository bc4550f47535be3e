/**
 * Reads the options of the runners (proof, property, fuzz, conformance, bench, model): `--help` prints how a runner is
 * used, and a mistake ends it with one sentence, the synopsis and exit code 2.
 */
import { readCommandLine } from '../../src/cli/command-line.ts';
import { onOutputError } from '../../src/cli/output.ts';

export interface RunnerOptions<Name extends string, Switch extends string> {
  text(name: Name): string | undefined;
  /** A number from `least` on. Any other value ends the process as `refuse` does. */
  number(name: Name, least: number): number | undefined;
  has(name: Switch): boolean;
  /** What is no flag, in order; empty unless the runner takes words. */
  readonly words: readonly string[];
  /** Whether standard output or standard error was closed by its reader: the runner cleans up and ends. */
  isUnread(): boolean;
  /** Ends the process: the sentence and the synopsis on standard error, exit code 2. */
  refuse(problem: string): never;
}

/**
 * `usage` begins with the synopsis, in one paragraph. Ends the process for `--help` and for a wrong command line. Words
 * that are no flags are refused unless `takesWords`.
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
