/** Recognizes that a provider has rejected a request because of its images. Pure. */
import { hasImages } from '../message-images.ts';
import type { Change, Rejection, RequestBody } from './adapted-request.ts';

/** The statuses of OpenAI and most others, of OpenRouter (404), and of llama.cpp (500). */
const STATUSES = [400, 404, 413, 415, 422, 500];

/**
 * For a model without images. DeepSeek: unknown variant `image_url`. Groq: content must be a string. vLLM: not a multimodal
 * model, at most 0 images. Mistral: no message of a user after one of a tool.
 */
const UNSUPPORTED =
  /(?:not|n't|no|only|endpoints?)\b.{0,40}\bsupport.{0,40}\b(?:images?|image_url|vision|multi-?modal)\b|\b(?:images?|image_url|vision|multi-?modal)\b.{0,40}\b(?:unsupported|(?:not|only|n't)\b.{0,20}\b(?:support|enabled|allowed|available|accept))|unknown variant \W?image_url|not a multi-?modal|(?:at most|up to) 0 image|content\W.{0,10}\bmust be a string|mmproj|role '?"?user'?"? after role '?"?tool/i;

/** For one image: its data, its size, or its kind. Another image may be accepted. */
const ABOUT_ONE =
  /\bimages?\b.{0,60}\b(?:invalid|too large|exceed|size|dimension|pixels?|decode|process|corrupt|format|media type)|\b(?:invalid|unsupported|could not (?:process|decode))\b.{0,20}\bimage\b/i;

/** Leaves the images out: of all later requests for a model without images, else of this one. Null if images are not the cause. */
export function refusedImages({ status, message }: Rejection, body: RequestBody): Change | null {
  if (!STATUSES.includes(status) || !hasImages(body)) return null;
  if (ABOUT_ONE.test(message)) return { parameter: 'images', onlyOnce: true };
  return UNSUPPORTED.test(message) ? { parameter: 'images' } : null;
}
