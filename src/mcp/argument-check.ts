/**
 * Validates arguments against a tool's schema with the SDK's validator, and explains violations. Schemas and arguments
 * are untrusted: the validator generates no code, and it gets little time because patterns can run for hours.
 */
import { createContext, Script } from 'node:vm';
import { CfWorkerJsonSchemaValidator } from '@modelcontextprotocol/client/validators/cf-worker';

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

/** The main thread is blocked meanwhile. */
const MAX_CHECK_MS = 250;
/** For the validator's message, in UTF-16 units: it quotes the arguments. */
const MAX_MESSAGE = 500;

/** A validator does not try a schema again that timed out. */
export function createArgumentValidator(): (
  schema: Record<string, unknown>,
  args: Record<string, unknown>,
) => ValidationResult {
  const sandbox = { check: () => {} };
  const context = createContext(sandbox);
  // A context for each check would cost four times as much.
  const run = new Script('check()');
  const schemasThatTimedOut = new WeakSet<Record<string, unknown>>();

  return (schema, args) => {
    if (schemasThatTimedOut.has(schema)) return { valid: null, reason: 'the check takes too long' };
    let result: ValidationResult = { valid: true };
    sandbox.check = () => {
      const { errorMessage } = new CfWorkerJsonSchemaValidator().getValidator(schema)(args);
      if (errorMessage !== undefined) result = { valid: false, violation: violationFrom(errorMessage) };
    };
    try {
      run.runInContext(context, { timeout: MAX_CHECK_MS });
      return result;
    } catch (error) {
      if (error instanceof Error)
        return { valid: null, reason: `the tool's schema is unusable (${cutMessage(error.message)})` };
      // A timeout's error belongs to the other realm.
      schemasThatTimedOut.add(schema);
      return { valid: null, reason: 'the check takes too long' };
    } finally {
      // Releases the arguments.
      sandbox.check = () => {};
    }
  };
}

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

/** Parses the validator's message, `#/a: sentence; #/a/b: sentence`. Pointers are URI-encoded and contain no spaces. */
function violationFrom(errorMessage: string): SchemaViolation {
  const steps = [...errorMessage.matchAll(/#(\S*): (.*?)(?=; #\S*: |$)/gs)];
  const pointer = steps.at(-1)?.[1] ?? '';
  const keys = pointer.split('/').slice(1);
  const sentences = steps
    .map(([, , sentence]) => sentence)
    .join(' ')
    .replace(/\.$/, '');
  return {
    path: keys.map((key) => decodeURI(key).replaceAll('~1', '/').replaceAll('~0', '~')),
    message: cutMessage(sentences === '' ? errorMessage : sentences),
  };
}

function cutMessage(text: string): string {
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE).toWellFormed()}...` : text;
}
