/** Parses a command line into words, values and switches, or describes the mistake. Does not know the commands. */
import { parseArgs } from 'node:util';
import { closest } from '../config/suggest.ts';

/** The flags that a program takes, without their dashes. */
export interface Flags<Name extends string, Switch extends string> {
  /** Take a value. */
  values: readonly Name[];
  /** Take none. `help` may also be written as -h. */
  switches: readonly Switch[];
}

/** The parsed words after the program's name. */
export interface CommandLine<Name extends string, Switch extends string> {
  /** Everything that is neither a flag nor its value, in order. */
  words: string[];
  /** Of a repeated flag, the last value. */
  values: Partial<Record<Name, string>>;
  switches: ReadonlySet<Switch>;
}

const includes = <Name extends string>(names: readonly Name[], name: string): name is Name =>
  names.some((known) => known === name);

/** The command line, or a sentence about the mistake. */
export function readCommandLine<Name extends string, Switch extends string>(
  args: readonly string[],
  flags: Flags<Name, Switch>,
): CommandLine<Name, Switch> | string {
  const options = Object.fromEntries([
    ...flags.values.map((name) => [name, { type: 'string' as const }] as const),
    ...flags.switches.map(
      (name) => [name, { type: 'boolean' as const, ...(name === 'help' ? { short: 'h' } : {}) }] as const,
    ),
  ]);
  const words: string[] = [];
  const values: Partial<Record<Name, string>> = {};
  const switches = new Set<Switch>();
  // Not strict, because the messages are Parley's own.
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      words.push(token.value);
      continue;
    }
    const { name, rawName, value, inlineValue } = token;
    if (includes(flags.values, name)) {
      // A flag in the value's place means that the value was forgotten. A negative number is a value.
      if (!value || (!inlineValue && /^-\D/.test(value))) return `${rawName} needs a value`;
      values[name] = value;
    } else if (includes(flags.switches, name)) {
      if (value !== undefined) return `${rawName} takes no value`;
      switches.add(name);
    } else {
      const meant = closest(
        rawName,
        [...flags.values, ...flags.switches].map((known) => `--${known}`),
      );
      return `${rawName} is not a known flag${meant ? `; did you mean ${meant}?` : ''}`;
    }
  }
  return { words, values, switches };
}
