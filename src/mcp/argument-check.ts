/**
 * Whether arguments fit a tool's schema, by the SDK's own validator, be they a model's or a person's. All of them are
 * strangers, so the validator that generates no code is used, and it is given little time: patterns can run for hours.
 */
import { createContext, Script } from 'node:vm';
import { CfWorkerJsonSchemaValidator } from '@modelcontextprotocol/client/validators/cf-worker';

/** Where and why arguments do not fit. */
export interface SchemaViolation {
  /** Keys from the arguments down to what is wrong; empty for the whole. */
  path: string[];
  /** A sentence without its full stop. */
  message: string;
}

/** `unusable`: nobody can tell, for this reason. */
export type ValidationResult =
  | { fits: true }
  | { fits: false; breach: SchemaViolation }
  | { fits: null; unusable: string };

/** The main thread stands still meanwhile. */
const MAX_CHECK_MS = 250;
/** Of the validator's words, in UTF-16 units: they quote what was sent. */
const MAX_MESSAGE = 500;

/** A check of its own for each toolbox. What a schema by strangers does to it ends with the check; one that overran is not tried again. */
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
    if (schemasThatTimedOut.has(schema)) return { fits: null, unusable: 'it takes too long' };
    let verdict: ValidationResult = { fits: true };
    sandbox.check = () => {
      const { errorMessage } = new CfWorkerJsonSchemaValidator().getValidator(schema)(args);
      if (errorMessage !== undefined) verdict = { fits: false, breach: violationFrom(errorMessage) };
    };
    try {
      run.runInContext(context, { timeout: MAX_CHECK_MS });
      return verdict;
    } catch (error) {
      if (error instanceof Error)
        return { fits: null, unusable: `the tool's schema cannot be used (${cutMessage(error.message)})` };
      // The error of an overrun is made in the other realm.
      schemasThatTimedOut.add(schema);
      return { fits: null, unusable: 'it takes too long' };
    } finally {
      // Nothing is kept of what was checked.
      sandbox.check = () => {};
    }
  };
}

/** The validator tells its way to the breach, `#/a: sentence; #/a/b: sentence`; pointers are URI-encoded and hold no spaces. */
function violationFrom(complaint: string): SchemaViolation {
  const steps = [...complaint.matchAll(/#(\S*): (.*?)(?=; #\S*: |$)/gs)];
  const pointer = steps.at(-1)?.[1] ?? '';
  const keys = pointer.split('/').slice(1);
  const sentences = steps
    .map(([, , sentence]) => sentence)
    .join(' ')
    .replace(/\.$/, '');
  return {
    path: keys.map((key) => decodeURI(key).replaceAll('~1', '/').replaceAll('~0', '~')),
    message: cutMessage(sentences === '' ? complaint : sentences),
  };
}

function cutMessage(text: string): string {
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE).toWellFormed()}...` : text;
}

/** On arguments that a person has changed; null when they may be used. */
export function explainForApprover(verdict: ValidationResult): SchemaViolation | null {
  return verdict.fits === null ? cannotValidate(verdict.unusable) : violationOf(verdict);
}

/** For changed arguments of which nobody can say whether they fit. */
export function cannotValidate(reason: string): SchemaViolation {
  return {
    path: [],
    message: `changed arguments cannot be checked, as ${reason}; approve the call as it was asked, or deny it`,
  };
}

/** On a form that a person has filled in; null when it may be sent. */
export function explainForForm(verdict: ValidationResult): SchemaViolation | null {
  return verdict.fits === null
    ? { path: [], message: `the answer cannot be checked, as ${verdict.unusable}; decline instead` }
    : violationOf(verdict);
}

/** On what a model has written, in words for it; null when the call may be made. */
export function explainForModel(verdict: ValidationResult): string | null {
  if (verdict.fits !== false) return null;
  const { path, message } = verdict.breach;
  return path.length === 0 ? message : `${path.join('.')}: ${message}`;
}

function violationOf(verdict: ValidationResult): SchemaViolation | null {
  return verdict.fits === false ? verdict.breach : null;
}
