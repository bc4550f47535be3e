/**
 * `${NAME}` and `${NAME:-default}` in text. Pure: the variables are given.
 * Never puts a variable's value into a problem, for it may be a secret.
 */

/** A `${` taken literally, a whole reference, or a `${` that is never closed. */
const references = /\$\$\{|\$\{([^}]*)\}|\$\{/g;
const reference = /^([A-Za-z_][A-Za-z0-9_]*)(?::-((?:(?!\$\{)[^])*))?$/;

export type Environment = Readonly<Record<string, string | undefined>>;

/** The text with its variables filled in; `problems` says, in words, which could not be. */
export interface Expansion {
  text: string;
  problems: string[];
}

/**
 * Fills in variables as a shell would: the default also stands in for an empty variable.
 * A variable that is not set and has no default is a problem, and so is a malformed reference.
 * `$${` stands for the characters `${`.
 */
export function expandVariables(text: string, env: Environment): Expansion {
  const problems: string[] = [];
  const expanded = text.replaceAll(references, (whole: string, inner: string | undefined) => {
    if (whole === '$${') return '${';
    const [, name, standIn] = reference.exec(inner ?? '') ?? [];
    if (name === undefined) {
      problems.push(
        `has ${whole}, which is no variable: write \${NAME} or \${NAME:-default}, and $\${ for the characters themselves`,
      );
      return '';
    }
    const value = env[name];
    if (standIn !== undefined) return value === undefined || value === '' ? standIn : value;
    if (value === undefined) {
      problems.push(`needs the environment variable ${name}, which is not set; set it, or write \${${name}:-default}`);
      return '';
    }
    return value;
  });
  return { text: expanded, problems };
}
