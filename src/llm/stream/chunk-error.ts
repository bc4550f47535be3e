/** Finds the error in a chunk of a stream, or in a body with status 200, in the forms of all providers. Pure. */
import { isObject, textOf, type JsonObject } from '../../json.ts';
import { errorOf, messageIn } from './provider-error.ts';

/**
 * The error: under `error`, in a choice (OpenRouter), in `base_resp` (MiniMax), or the object itself, if it has no choices.
 * Null for a chunk of an answer. Some gateways send an empty `error` with each chunk.
 */
export function errorIn(chunk: JsonObject): JsonObject | null {
  const choices: readonly unknown[] = Array.isArray(chunk['choices']) ? chunk['choices'] : [];
  const { error } = chunk;
  if (
    isObject(error) ? choices.length === 0 || messageIn(error) !== '' : error !== undefined && messageIn(error) !== ''
  )
    return errorOf(chunk);
  if (chunk['object'] === 'error' || chunk['type'] === 'error') return chunk;
  for (const choice of choices) {
    const ofChoice = isObject(choice) ? choice['error'] : null;
    if (isObject(ofChoice) && messageIn(ofChoice) !== '') return ofChoice;
  }
  const { base_resp: status } = chunk;
  if (isObject(status) && isFailure(status['status_code'])) return { ...status, code: null };
  if (Array.isArray(chunk['choices']) || isObject(chunk['choices'])) return null;
  return messageIn(chunk) !== '' && !isSuccess(chunk) ? chunk : null;
}

/** Some gateways send `code` 0 or 200 with a success. */
function isSuccess({ code, success }: JsonObject): boolean {
  return (
    success === true || (typeof code === 'number' && !isFailure(code)) || textOf(code)?.toLowerCase() === 'success'
  );
}

function isFailure(code: unknown): boolean {
  return typeof code === 'number' && code !== 0 && code !== 200;
}
