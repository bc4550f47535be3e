/**
 * Describes images in an answer as text, because an answer in Parley is text. Providers send them beside the content
 * (`images`, https://openrouter.ai/docs/features/multimodal/image-generation) or as parts of it. An image on the web becomes
 * a link in Markdown. The data of any other stays out of the log: it may have megabytes.
 */
import { isObject, textOf } from '../../json.ts';

/** A longer URL holds data, or is of no use to people. */
const MAX_URL_CHARS = 2_000;

/** The text in place of an image. */
export interface ImageText {
  text: string;
  /** The length of what the provider sent, for limits. */
  chars: number;
}

/** Null if the value is no image. */
export function imageText(value: unknown): ImageText | null {
  if (!isObject(value)) return null;
  const { image_url: image } = value;
  const url = textOf(isObject(image) ? image['url'] : image) ?? (isImage(value['type']) ? textOf(value['url']) : null);
  const data = textOf(value['b64_json']) ?? (isImage(value['type']) ? textOf(value['data']) : null);
  const sent = url ?? data;
  if (sent === null) return isImage(value['type']) ? { text: notShown('no data'), chars: 0 } : null;
  return { text: (url === null ? null : linkTo(url)) ?? notShown(describeData(sent)), chars: sent.length };
}

function isImage(type: unknown): boolean {
  return type === 'image' || type === 'image_url' || type === 'output_image';
}

/** Markdown for an image on the web. Null for any other. */
function linkTo(url: string): string | null {
  const parsed = url.length > MAX_URL_CHARS ? null : URL.parse(url);
  if (parsed?.protocol !== 'https:') return null;
  return `![image](${parsed.href.replaceAll('(', '%28').replaceAll(')', '%29')})`;
}

function notShown(what: string): string {
  return `[The model sent an image (${what}), which Parley does not show.]`;
}

/** Type and size of a data URL or of base64. */
function describeData(sent: string): string {
  const [head, type = ''] = /^data:(image\/[\w.+-]{1,40})?[^,]{0,100},/.exec(sent) ?? [''];
  if (head === '' && /^[a-z][a-z\d+.-]*:/i.test(sent)) return 'at an address that is no https URL';
  const bytes = Math.floor(((sent.length - head.length) * 3) / 4);
  const size = bytes < 1024 ? `${bytes} bytes` : `${Math.round(bytes / 1024)} KB`;
  return type === '' ? size : `${type}, ${size}`;
}
