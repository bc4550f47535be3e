/**
 * Validates values against a schema with the SDK's validator. Blocks its thread, up to the time limit: the main thread uses
 * `argument-validator.ts`. Schemas and values are untrusted: the validator generates no code, and it gets little time
 * because patterns can run for hours.
 */
import { createContext, Script } from 'node:vm';
import { CfWorkerJsonSchemaValidator } from '@modelcontextprotocol/client/validators/cf-worker';
import { TAKES_TOO_LONG, type SchemaViolation, type ValidationResult } from './explain-result.ts';

/** Ordinary values take less than a millisecond. */
const MAX_CHECK_MS = 250;
/** For the validator's message, in UTF-16 units: it quotes the arguments. */
const MAX_MESSAGE = 500;

/** Throws nothing. */
export function createSchemaCheck(): (
  schema: Record<string, unknown>,
  args: Record<string, unknown>,
) => ValidationResult {
  const sandbox = { check: () => {} };
  const context = createContext(sandbox);
  // A context for each check would cost four times as much.
  const run = new Script('check()');

  return (schema, args) => {
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
        return { valid: null, reason: `the schema is unusable (${cutMessage(error.message)})` };
      // A timeout's error belongs to the other realm.
      return { valid: null, reason: TAKES_TOO_LONG };
    } finally {
      // Releases the arguments.
      sandbox.check = () => {};
    }
  };
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
