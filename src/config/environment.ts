/**
 * Expands `${NAME}` and `${NAME:-default}` in text. Reads a file only for `NAME_FILE`. Never puts the value of a variable
 * into a problem, because it may be a secret.
 */
import { readVariable } from '../environment-variable.ts';
import { AppError } from '../errors.ts';

/** An escaped `${`, a whole reference, or a `${` that is not closed. */
const references = /\$\$\{|\$\{([^}]*)\}|\$\{/g;
const reference = /^([A-Za-z_][A-Za-z0-9_]*)(?::-((?:(?!\$\{)[^])*))?$/;

/** The environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The text with its variables filled in. `problems`: a sentence for each that could not be. */
export interface Expansion {
  text: string;
  problems: string[];
}

/**
 * Fills in variables like a shell: the default also replaces an empty variable. A variable that is not set and has no
 * default is a problem, and so is a malformed reference. `$${` stands for the characters `${`.
 */
export function expandVariables(text: string, env: Environment): Expansion {
  const problems: string[] = [];
  const expanded = text.replaceAll(references, (whole: string, inner: string | undefined) => {
    if (whole === '$${') return '${';
    const [, name, fallback] = reference.exec(inner ?? '') ?? [];
    if (name === undefined) {
      problems.push(
        `has ${whole}, which is not a variable: write \${NAME} or \${NAME:-default}, and $\${ for the characters themselves`,
      );
      return '';
    }
    const value = read(env, name, problems);
    if (value === null) return '';
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
    if (value === undefined) {
      problems.push(`needs the environment variable ${name}, which is not set; set it, or write \${${name}:-default}`);
      return '';
    }
    return value;
  });
  return { text: expanded, problems };
}

/** Null if the file that `NAME_FILE` names cannot be read, which is a problem. */
function read(env: Environment, name: string, problems: string[]): string | undefined | null {
  try {
    return readVariable(env, name);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    problems.push(`needs the environment variable ${name}: ${error.message.replace(/\.$/, '')}`);
    return null;
  }
}
