/**
 * Reads what a server requests of its client (elicitation, sampling, roots) into the chart's types. Servers are
 * untrusted: a request that is malformed, too large or leads to no web page is not shown to people.
 */
import { z } from 'zod';
import type { ServerRequest } from '../../../machines/conversation/question-types.ts';
import { isDeeperThan } from '../../json.ts';
import { sanitizeSchemaTexts } from '../connection/tool-listing.ts';
import { isPresentable, sanitizeToLength } from '../content/sanitize-text.ts';

/** Reading a schema recurses level by level. */
const MAX_LEVELS = 64;

/** The limits of one request. */
export interface InputRequestLimits {
  maxDescriptionChars: number;
  /** Of one request with its schema, and of the server's `requestState`, as JSON. */
  maxQuestionBytes: number;
}

const json = z.record(z.string(), z.unknown());
/**
 * As people should read it: without a name before the host (`https://bank@evil`), with a host in punycode instead of letters
 * that look alike. Not at a link-local address, where cloud machines serve credentials.
 */
const url = z
  .url({ protocol: /^https?$/ })
  .transform((text) => new URL(text))
  .refine(({ username, password, hostname }) => username === '' && password === '' && !LINK_LOCAL.test(hostname))
  .transform(({ href }) => href);
const LINK_LOCAL = /^(?:169\.254\.|0\.0\.0\.0$|\[::\]$|\[fe[89ab]|\[::ffff:a9fe:)/i;

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
  if (!data || isLargerThan(value, maxQuestionBytes) || isDeeperThan(value, MAX_LEVELS)) return null;
  switch (data.method) {
    case 'roots/list':
      return { kind: 'roots' };
    case 'sampling/createMessage':
      return { kind: 'sampling', request: data.params };
    case 'elicitation/create': {
      const message = sanitizeToLength(data.params.message, maxDescriptionChars);
      return 'url' in data.params
        ? { kind: 'url', message, url: data.params.url }
        : hidesValues(data.params.requestedSchema)
          ? null
          : { kind: 'form', message, schema: sanitizeSchemaTexts(data.params.requestedSchema) };
    }
  }
}

/** Whether a name of a field or a value to choose hides something. Neither can be changed, because the server knows them. */
function hidesValues(schema: unknown, key = ''): boolean {
  if (typeof schema === 'string') return (key === 'enum' || key === 'const') && !isPresentable(schema);
  if (Array.isArray(schema)) return schema.some((item) => hidesValues(item, key));
  if (typeof schema !== 'object' || schema === null) return false;
  return Object.entries(schema).some(([name, value]) => !isPresentable(name) || hidesValues(value, name));
}

/** Measures the value as JSON. */
export function isLargerThan(value: unknown, maxBytes: number): boolean {
  return Buffer.byteLength(JSON.stringify(value) ?? '') > maxBytes;
}
