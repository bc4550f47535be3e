/**
 * Reads what a server requests of its client (elicitation, sampling, roots) into the chart's types. Servers are
 * untrusted: a request that is malformed, too large or leads to no web page is not shown to people.
 */
import { z } from 'zod';
import type { ServerRequest } from '../../../machines/conversation/question-types.ts';
import { sanitizeToLength } from '../content/sanitize-text.ts';

export interface InputRequestLimits {
  maxDescriptionChars: number;
  /** Of one request with its schema, and of the server's `requestState`, as JSON. */
  maxQuestionBytes: number;
}

const json = z.record(z.string(), z.unknown());
const url = z.url({ protocol: /^https?$/ });

/** Without a mode it is a form, as in revisions before 2025-11-25. */
const inputRequest = z.discriminatedUnion('method', [
  z.object({
    method: z.literal('elicitation/create'),
    params: z.union([
      z.object({ mode: z.literal('url'), message: z.string(), url }),
      z.object({ mode: z.literal('form').optional(), message: z.string(), requestedSchema: json }),
    ]),
  }),
  z.object({ method: z.literal('sampling/createMessage'), params: json }),
  z.object({ method: z.literal('roots/list') }),
]);

/** Returns null for a request that Parley does not support. */
export function readInputRequest(
  value: unknown,
  { maxDescriptionChars, maxQuestionBytes }: InputRequestLimits,
): ServerRequest | null {
  const { data } = inputRequest.safeParse(value);
  if (!data || isLargerThan(value, maxQuestionBytes)) return null;
  switch (data.method) {
    case 'roots/list':
      return { kind: 'roots' };
    case 'sampling/createMessage':
      return { kind: 'sampling', request: data.params };
    case 'elicitation/create': {
      const message = sanitizeToLength(data.params.message, maxDescriptionChars);
      return 'url' in data.params
        ? { kind: 'url', message, url: data.params.url }
        : { kind: 'form', message, schema: data.params.requestedSchema };
    }
  }
}

/** Measures the value as JSON. */
export function isLargerThan(value: unknown, maxBytes: number): boolean {
  return Buffer.byteLength(JSON.stringify(value) ?? '') > maxBytes;
}
