/**
 * Runs the command `token`: makes a token for a subject, and prints it with the lines of the configuration that accept it.
 * Writes no file, so the output is the only copy of the token.
 */
import { createToken, hashToken } from '../auth/tokens.ts';
import { subjectSchema } from '../config/schema/auth.ts';
import { AppError } from '../errors.ts';
import type { CommandResult } from './output.ts';

/** Throws AppError `invalid_request` for an invalid subject. */
export function token(subject: string): CommandResult {
  if (!subjectSchema.safeParse(subject).success) {
    throw new AppError(
      'invalid_request',
      `${JSON.stringify(subject.slice(0, 40))} cannot be a subject: allowed are 1 to 128 characters without control characters.`,
    );
  }
  const created = createToken();
  return {
    exitCode: 0,
    lines: [
      `The secret token of ${subject}. It is shown only once:`,
      '',
      `  ${created}`,
      '',
      'The lines of the configuration that accept it (add further tokens to the list):',
      '',
      'auth:',
      '  mode: token',
      '  tokens:',
      // Quoted, because YAML reads words such as `yes` and hashes of digits as other types.
      `    - subject: ${JSON.stringify(subject)}`,
      `      sha256: "${hashToken(created)}"`,
    ],
  };
}
