/**
 * What servers ask of their client, read from the wire's words into the chart's. They are strangers: a question that
 * is not understood, leads to no web page or is too large is not put to anybody.
 */
import { z } from 'zod';
import type { ServerAsk } from '../../../machines/conversation/question-types.ts';
import { sanitizeToLength } from '../content/sanitize-text.ts';

export interface InputRequestLimits {
  maxDescriptionChars: number;
  /** Of one question with its schema, and of the state that a server leaves with us, as JSON. */
  maxQuestionBytes: number;
}

const json = z.record(z.string(), z.unknown());
const url = z.url({ protocol: /^https?$/ });

/** A form where no mode is named, as revisions before 2025-11-25 have it. */
const request = z.discriminatedUnion('method', [
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

/** Null for what cannot be asked. */
export function readInputRequest(
  value: unknown,
  { maxDescriptionChars, maxQuestionBytes }: InputRequestLimits,
): ServerAsk | null {
  const { data } = request.safeParse(value);
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

export function isLargerThan(value: unknown, maxBytes: number): boolean {
  return Buffer.byteLength(JSON.stringify(value) ?? '') > maxBytes;
}
