/**
 * Validates values against a schema with the SDK's validator. Blocks its thread, up to the time limit: the main thread uses
 * `argument-validator.ts`. Schemas and values are untrusted: the validator generates no code, and it gets little time
 * because patterns can run for hours.
 */
import { createContext, Script } from 'node:vm';
import { CfWorkerJsonSchemaValidator } from '@modelcontextprotocol/client/validators/cf-worker';
import { coerceArguments } from './coerce-arguments.ts';
import { TAKES_TOO_LONG, type SchemaViolation, type ValidationResult } from './explain-result.ts';
import { lenientSchema } from './lenient-schema.ts';
import { withRequiredDefaults } from './required-defaults.ts';

/** Ordinary values take less than a millisecond. */
const MAX_CHECK_MS = 250;
/** For the validator's message, in UTF-16 units: it quotes the arguments. */
const MAX_MESSAGE = 500;

/** Arguments, changed so that they fit, and how they then fit. Unchanged unless `result` is valid. */
export interface FittedArguments {
  arguments: Record<string, unknown>;
  result: ValidationResult;
}

/** Throws nothing. */
export interface SchemaCheck {
  /** Validates values as they are, with the formats of the schema: MCP's forms have them for the client to check. */
  validate(schema: Record<string, unknown>, values: Record<string, unknown>): ValidationResult;
  /**
   * Fits arguments to a tool's schema: adds the defaults of required properties, reads values that were written as text, and
   * asserts no formats.
   */
  fit(schema: Record<string, unknown>, args: Record<string, unknown>): FittedArguments;
}

/** Creates the check with a context of its own for untrusted code. */
export function createSchemaCheck(): SchemaCheck {
  const sandbox = { check: () => {} };
  const context = createContext(sandbox);
  // A context for each check would cost four times as much.
  const run = new Script('check()');

  /** Null if `check` has run to its end. */
  const runBounded = (check: () => void): ValidationResult | null => {
    sandbox.check = check;
    try {
      run.runInContext(context, { timeout: MAX_CHECK_MS });
      return null;
    } catch (error) {
      if (error instanceof Error)
        return { valid: null, reason: `the schema is unusable (${cutMessage(error.message)})` };
      // A timeout's error belongs to the other realm.
      return { valid: null, reason: TAKES_TOO_LONG };
    } finally {
      // Releases the arguments.
      sandbox.check = () => {};
    }
  };

  return {
    validate(schema, values) {
      let errors: string | null = null;
      return runBounded(() => (errors = errorsOf(schema, values))) ?? resultOf(errors);
    },
    fit(schema, args) {
      let fitted: FittedArguments = { arguments: args, result: { valid: true } };
      const unchecked = runBounded(() => {
        const checked = lenientSchema(schema);
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
