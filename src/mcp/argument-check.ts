/**
 * Validates arguments against a tool's schema with the SDK's validator, and explains violations. Schemas and arguments
 * are untrusted: the validator generates no code, and it gets little time because patterns can run for hours.
 */
import { createContext, Script } from 'node:vm';
import { CfWorkerJsonSchemaValidator } from '@modelcontextprotocol/client/validators/cf-worker';
import { coerceArguments } from './coerce-arguments.ts';
import { lenientSchema } from './lenient-schema.ts';
import { withRequiredDefaults } from './required-defaults.ts';

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

export interface ArgumentValidator {
  /** Validates values as they are, with the formats of the schema: MCP's forms have them for the client to check. */
  validate(schema: Record<string, unknown>, values: Record<string, unknown>): ValidationResult;
  /**
   * Fits arguments to a tool's schema: adds the defaults of required properties, reads values that were written as text, and
   * asserts no formats. `arguments` are unchanged unless `result` is valid.
   */
  fit(schema: Record<string, unknown>, args: Record<string, unknown>): FittedArguments;
}

export interface FittedArguments {
  arguments: Record<string, unknown>;
  result: ValidationResult;
}

/** A validator does not try a schema again that timed out. */
export function createArgumentValidator(): ArgumentValidator {
  const sandbox = { check: () => {} };
  const context = createContext(sandbox);
  // A context for each check would cost four times as much.
  const run = new Script('check()');
  const schemasThatTimedOut = new WeakSet<Record<string, unknown>>();
  const lenient = new WeakMap<Record<string, unknown>, Record<string, unknown>>();

  /** Null if `check` has run to its end. */
  const runBounded = (schema: Record<string, unknown>, check: () => void): ValidationResult | null => {
    if (schemasThatTimedOut.has(schema)) return { valid: null, reason: 'the check takes too long' };
    sandbox.check = check;
    try {
      run.runInContext(context, { timeout: MAX_CHECK_MS });
      return null;
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

  return {
    validate(schema, values) {
      let errors: string | null = null;
      return runBounded(schema, () => (errors = errorsOf(schema, values))) ?? resultOf(errors);
    },
    fit(schema, args) {
      let fitted: FittedArguments = { arguments: args, result: { valid: true } };
      const unchecked = runBounded(schema, () => {
        const checked = lenient.get(schema) ?? lenientSchema(schema);
        lenient.set(schema, checked);
        const { repaired, fits } = coerceArguments(withRequiredDefaults(args, checked), (each) => {
          const errors = errorsOf(checked, each);
          return errors === null ? null : stepsOf(errors).map(({ path }) => path);
        });
        fitted = fits
          ? { arguments: repaired, result: { valid: true } }
          : { arguments: args, result: resultOf(errorsOf(checked, repaired)) };
      });
      return unchecked === null ? fitted : { arguments: args, result: unchecked };
    },
  };
}

/** The validator's message. Null for valid values. */
function errorsOf(schema: Record<string, unknown>, values: Record<string, unknown>): string | null {
  return new CfWorkerJsonSchemaValidator().getValidator(schema)(values).errorMessage ?? null;
}

function resultOf(errors: string | null): ValidationResult {
  return errors === null ? { valid: true } : { valid: false, violation: violationFrom(errors) };
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
function stepsOf(errorMessage: string): { path: string[]; sentence: string }[] {
  return [...errorMessage.matchAll(/#(\S*): (.*?)(?=; #\S*: |$)/gs)].map(([, pointer = '', sentence = '']) => ({
    path: pointer
      .split('/')
      .slice(1)
      .map((key) => decodeURI(key).replaceAll('~1', '/').replaceAll('~0', '~')),
    sentence,
  }));
}

function violationFrom(errorMessage: string): SchemaViolation {
  const steps = stepsOf(errorMessage);
  const sentences = steps
    .map(({ sentence }) => sentence)
    .join(' ')
    .replace(/\.$/, '');
  return { path: steps.at(-1)?.path ?? [], message: cutMessage(sentences === '' ? errorMessage : sentences) };
}

function cutMessage(text: string): string {
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE).toWellFormed()}...` : text;
}
