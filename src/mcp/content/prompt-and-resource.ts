/**
 * Converts prompts, resources and completions from the SDK's types into Parley's: texts are sanitized and cut, absent
 * values are null. Pure.
 */
import type {
  CompleteResult,
  ContentBlock,
  GetPromptResult,
  Prompt as ListedPrompt,
  ReadResourceResult,
  Resource as ListedResource,
  ResourceTemplateType,
} from '@modelcontextprotocol/client';
import { isFor } from './audience.ts';
import { blockText } from './result-text.ts';
import { isPresentable, sanitizeText, sanitizeToLength, sanitizeToLine } from './sanitize-text.ts';

/** A prompt as its server lists it, sanitized. */
export interface Prompt {
  name: string;
  title: string | null;
  description: string;
  arguments: { name: string; description: string; required: boolean }[];
}

/** A resource, or a template of resources. */
export interface Resource {
  /** A URI; for a template, an RFC 6570 URI template. */
  uri: string;
  name: string;
  title: string | null;
  description: string;
  mimeType: string | null;
  sizeBytes: number | null;
  /** False if the server means it for the user alone. */
  isForModel: boolean;
}

/** A prompt with its arguments filled in, as `prompts/get` returns it. */
export interface FilledPrompt {
  description: string;
  messages: PromptMessage[];
}

/** One message of a filled prompt. */
export interface PromptMessage {
  role: 'user' | 'assistant';
  /** The content as text for a model. */
  text: string;
  /** The content as the server sent it. */
  content: Record<string, unknown>;
  /** False if the server means it for the user alone. */
  isForModel: boolean;
}

/** A part of a resource that was read. */
export interface ResourcePart {
  uri: string;
  mimeType: string | null;
  /** Null for binary content, which is in `blob` as base64. */
  text: string | null;
  blob: string | null;
}

/** Suggested values of an argument. */
export interface Completion {
  values: string[];
  /** Null if unknown. */
  total: number | null;
  hasMore: boolean;
}

/** The specification's limit for one completion. */
const MAX_COMPLETIONS = 100;

/** Longer than any URI that a browser accepts. */
const MAX_URI_CHARS = 8192;

const lineOrNull = (text: string | undefined, maxChars: number): string | null =>
  text === undefined ? null : sanitizeToLine(text, maxChars);

/** Whether a prompt can be listed: its names hide nothing. */
export function isListablePrompt({ name, arguments: args }: ListedPrompt): boolean {
  return [name, ...(args ?? []).map((each) => each.name)].every(isPresentable);
}

/** Texts are cut at `maxChars` UTF-16 units. */
export function promptOf({ name, title, description, arguments: args }: ListedPrompt, maxChars: number): Prompt {
  return {
    name,
    title: lineOrNull(title, maxChars),
    description: sanitizeToLength(description ?? '', maxChars),
    arguments: (args ?? []).map((argument) => ({
      name: argument.name,
      description: sanitizeToLength(argument.description ?? '', maxChars),
      required: argument.required === true,
    })),
  };
}

/** Texts are cut at `maxChars` UTF-16 units. */
export function resourceOf(
  { uri, name, title, description, mimeType, size, annotations }: ListedResource,
  maxChars: number,
): Resource {
  return {
    uri,
    name: sanitizeToLine(name, maxChars),
    title: lineOrNull(title, maxChars),
    description: sanitizeToLength(description ?? '', maxChars),
    mimeType: lineOrNull(mimeType, maxChars),
    sizeBytes: size ?? null,
    isForModel: isFor({ annotations }, 'assistant'),
  };
}

/** The template in place of an address. Texts are cut at `maxChars` UTF-16 units. */
export function templateOf(
  { uriTemplate, name, title, description, mimeType, annotations }: ResourceTemplateType,
  maxChars: number,
): Resource {
  return {
    uri: uriTemplate,
    name: sanitizeToLine(name, maxChars),
    title: lineOrNull(title, maxChars),
    description: sanitizeToLength(description ?? '', maxChars),
    mimeType: lineOrNull(mimeType, maxChars),
    sizeBytes: null,
    isForModel: isFor({ annotations }, 'assistant'),
  };
}

/** The description is cut at `maxChars` UTF-16 units, the messages are not. */
export function filledOf({ description, messages }: GetPromptResult, maxChars: number): FilledPrompt {
  return {
    description: sanitizeToLength(description ?? '', maxChars),
    messages: messages.map(({ role, content }) => ({
      role,
      text: sanitizeText(blockText(content)),
      content: asRecord(content),
      isForModel: isFor(content, 'assistant'),
    })),
  };
}

/** Each part has a text, or a blob in base64. The other one is null. */
export function partsOf({ contents }: ReadResourceResult): ResourcePart[] {
  return contents.map((part) => ({
    uri: sanitizeToLine(part.uri, MAX_URI_CHARS),
    mimeType: lineOrNull(part.mimeType, MAX_URI_CHARS),
    text: 'text' in part ? part.text : null,
    blob: 'blob' in part ? part.blob : null,
  }));
}

/** At most `MAX_COMPLETIONS` values, without those that no page can show. */
export function completionOf({ completion: { values, total, hasMore } }: CompleteResult): Completion {
  return {
    values: values.filter(isPresentable).slice(0, MAX_COMPLETIONS),
    total: total ?? null,
    hasMore: hasMore === true,
  };
}

function asRecord(block: ContentBlock): Record<string, unknown> {
  return { ...block };
}
