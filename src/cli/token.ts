/**
 * The command `token`: a new token for a subject, and the lines by which a server knows it. Reads and
 * writes no file: what is printed here is the only copy of the token there is.
 */
import { createToken, hashToken } from '../auth/tokens.ts';
import { subjectSchema } from '../config/schema/auth.ts';
import { AppError } from '../errors.ts';
import type { CommandResult } from './output.ts';

/** Throws AppError `invalid_request` for a subject that the configuration would refuse. */
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
      `The token, shown this once, for ${subject} to keep secret:`,
      '',
      `  ${created}`,
      '',
      'What the configuration keeps of it (further tokens are further entries of the list):',
      '',
      'auth:',
      '  mode: token',
      '  tokens:',
      // Quoted, for words such as `yes` and hashes of nothing but digits mean other things to YAML.
      `    - subject: ${JSON.stringify(subject)}`,
      `      sha256: "${hashToken(created)}"`,
    ],
  };
}
