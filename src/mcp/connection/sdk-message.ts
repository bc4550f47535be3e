/** Reads the message of an error of the SDK. Replaces what zod found in a message of a server by Parley's words. */
import { z } from 'zod';
import { expectation, issuePath } from '../../explain-issue.ts';

/** What the SDK could not read, then zod's words: a list in JSON, or sentences. */
const ZOD_WORDS =
  /^(?<what>Invalid [^:]+): .*?(?<words>\[\s*\{[^]*|(?:Invalid (?:input|option|key|element|string|discriminator)|Too (?:big|small)|Unrecognized key|Expected .*, received)[^]*)$/s;

/** The parts of an issue in zod's list that are needed here. */
const issueList = z.tuple(
  [z.looseObject({ code: z.string(), path: z.array(z.union([z.string(), z.number()])) })],
  z.any(),
);

/** The message. Instead of zod's words it has the first place that violates the protocol: `...: content.0.text: expected text`. */
export function sdkMessage(error: Error): string {
  const { what, words = '' } = ZOD_WORDS.exec(error.message)?.groups ?? {};
  if (what === undefined) return error.message;
  const issue = firstIssue(words);
  if (issue === null) return `${what}: it violates the protocol`;
  const path = issuePath(issue.path);
  return `${what}: ${path === '' ? '' : `${path}: `}expected ${expectation(issue)}`;
}

function firstIssue(words: string): z.infer<typeof issueList>[0] | null {
  try {
    return issueList.safeParse(JSON.parse(words)).data?.[0] ?? null;
  } catch {
    return null;
  }
}
