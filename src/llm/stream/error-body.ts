/**
 * Error answers as the openai package understands them: one object with an `error`. Gemini puts it into a list,
 * and without this what it says would be lost.
 * Source: https://github.com/Gitlawb/openclaude/issues/393
 */
import { parseJson } from '../json.ts';
import type { Fetch } from './transport.ts';

/**
 * Passes everything on as it is but the body of a failure, which is read whole. One that cannot be is left out:
 * status and headers are the answer all the same.
 */
export function withPlainErrors(fetch: Fetch): Fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    if (response.status < 400) return response;
    const text = await response.text().catch(() => '');
    const body = parseJson(text);
    const first: unknown = Array.isArray(body) ? body[0] : undefined;
    return new Response(first === undefined ? text : JSON.stringify(first), {
      status: response.status,
      headers: response.headers,
    });
  };
}
