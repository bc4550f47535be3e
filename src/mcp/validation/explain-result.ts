/** Explains the results of validations to people and models. Pure. */

/** The first thing that does not fit the schema. */
export interface SchemaViolation {
  /** Keys from the arguments down to the violation; empty for the whole. */
  path: string[];
  /** A sentence without its full stop. */
  message: string;
}

/** `valid` is null if the arguments cannot be validated, for this reason. */
export type ValidationResult =
  | { valid: true }
  | { valid: false; violation: SchemaViolation }
  | { valid: null; reason: string };

/** The reason of a check that was ended by its time limit. */
export const TAKES_TOO_LONG = 'the check takes too long';

/** Explains the result for arguments that a person has changed. Null if they may be used. */
export function explainForApprover(result: ValidationResult): SchemaViolation | null {
  return result.valid === null ? cannotValidate(result.reason) : violationOf(result);
}

/** The violation for changed arguments that cannot be validated. */
export function cannotValidate(reason: string): SchemaViolation {
  return {
    path: [],
    message: `changed arguments cannot be checked, because ${reason}; approve the call without changes, or deny it`,
  };
}

/** Explains the result for a form that a person has filled in. Null if it may be sent. */
export function explainForForm(result: ValidationResult): SchemaViolation | null {
  return result.valid === null
    ? { path: [], message: `the answer cannot be checked, because ${result.reason}; decline instead` }
    : violationOf(result);
}

/**
 * Explains the result for the model. Null if the call may be made, also if the arguments cannot be validated: the model
 * wrote them for this schema, and the server validates them too.
 */
export function explainForModel(result: ValidationResult): string | null {
  const violation = violationOf(result);
  if (violation === null) return null;
  const { path, message } = violation;
  return path.length === 0 ? message : `${path.join('.')}: ${message}`;
}

function violationOf(result: ValidationResult): SchemaViolation | null {
  return result.valid === false ? result.violation : null;
}
