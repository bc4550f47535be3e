/**
 * Reads variables of the environment that may hold a secret. `NAME_FILE` names a file with the value of `NAME`, as usual
 * for containers: other programs of the same user can read the environment of a process (`/proc/PID/environ`).
 */
import { readFileSync } from 'node:fs';
import { AppError, codeOf } from './errors.ts';
import { ownValue } from './json.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** Names of variables that probably hold a secret. */
const SECRET = /KEY|TOKEN|SECRET|PASSW|CREDENTIAL/i;

/**
 * The value of the variable, or the content of the file that `NAME_FILE` names if the variable is not set or empty. The
 * file is read at each call, without the white space around its content. Throws AppError `config_invalid` if it cannot be
 * read.
 */
export function readVariable(env: Variables, name: string): string | undefined {
  const value = ownValue(env, name);
  const file = ownValue(env, `${name}_FILE`);
  if (value || !file) return value;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const code = codeOf(error) || 'unknown error';
    throw new AppError(
      'config_invalid',
      `The file that ${name}_FILE names cannot be read (${code}). Give this user the right to read it, or set ${name}.`,
      { cause: error },
    );
  }
}

/**
 * Removes variables that probably hold a secret from the environment of this process, and returns a copy with all of them.
 * Linux still shows those that the process was started with in `/proc/PID/environ`; only a file keeps a secret out of it.
 */
export function takeSecrets(env: Record<string, string | undefined>): Record<string, string | undefined> {
  const copy = { ...env };
  for (const name of Object.keys(env)) if (SECRET.test(name)) delete env[name];
  return copy;
}
