/**
 * Whether arguments that a person has written fit a tool's schema, by the SDK's own validator. Both are strangers'
 * work, so the one that generates no code is used, and it is given little time: patterns can run for hours.
 */
import { runInNewContext } from 'node:vm';
import { CfWorkerJsonSchemaValidator } from '@modelcontextprotocol/client/validators/cf-worker';

/** Why arguments are not taken. */
export interface Breach {
  /** Keys from the arguments down to what is wrong; empty for the whole. */
  path: string[];
  /** A sentence without its full stop. */
  message: string;
}

/** The main thread stands still meanwhile. */
const MAX_CHECK_MS = 250;
/** Of the validator's words, in UTF-16 units: they quote what was sent. */
const MAX_MESSAGE = 500;

/** Null when they fit. Nothing fits a schema that is broken, or of a dialect that is not known. */
export function checkArguments(schema: Record<string, unknown>, args: Record<string, unknown>): Breach | null {
  let breach: Breach | null = null;
  const check = () => {
    const { errorMessage } = new CfWorkerJsonSchemaValidator().getValidator(schema)(args);
    if (errorMessage !== undefined) breach = breachOf(errorMessage);
  };
  try {
    runInNewContext('check()', { check }, { timeout: MAX_CHECK_MS });
    return breach;
  } catch (error) {
    // The error of an overrun is made in the other realm.
    return unchecked(error instanceof Error ? `the tool's schema cannot be used (${error.message})` : 'it takes too long');
  }
}

/** For arguments of which nobody can say whether they fit. */
export function unchecked(reason: string): Breach {
  return { path: [], message: `changed arguments cannot be checked, as ${cut(reason)}; approve the call as it was asked, or deny it` };
}

/** The validator tells its way to the breach, `#/a: sentence; #/a/b: sentence`; pointers are URI-encoded and hold no spaces. */
function breachOf(complaint: string): Breach {
  const steps = [...complaint.matchAll(/#(\S*): (.*?)(?=; #\S*: |$)/gs)];
  const pointer = steps.at(-1)?.[1] ?? '';
  const keys = pointer.split('/').slice(1);
  const sentences = steps.map(([, , sentence]) => sentence).join(' ').replace(/\.$/, '');
  return { path: keys.map((key) => decodeURI(key).replaceAll('~1', '/').replaceAll('~0', '~')), message: cut(sentences === '' ? complaint : sentences) };
}

function cut(text: string): string {
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE).toWellFormed()}...` : text;
}
