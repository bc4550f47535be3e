/**
 * What servers offer beside tools, made of what the SDK gives: texts within bounds, and null for what is not said. Pure;
 * no SDK type leaves this folder.
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
import type { Completion, FilledPrompt, Prompt, Resource, ResourcePart } from './offers.ts';
import { blockText } from './result-text.ts';
import { plainText } from './sanitize-text.ts';

/** Of one completion: the specification's bound. */
const MAX_COMPLETIONS = 100;

export function promptOf({ name, title, description, arguments: args }: ListedPrompt, maxChars: number): Prompt {
  return {
    name,
    title: title ?? null,
    description: plainText(description ?? '', maxChars),
    arguments: (args ?? []).map((argument) => ({
      name: argument.name,
      description: plainText(argument.description ?? '', maxChars),
      required: argument.required === true,
    })),
  };
}

export function resourceOf(
  { uri, name, title, description, mimeType, size }: ListedResource,
  maxChars: number,
): Resource {
  return {
    uri,
    name,
    title: title ?? null,
    description: plainText(description ?? '', maxChars),
    mimeType: mimeType ?? null,
    sizeBytes: size ?? null,
  };
}

export function templateOf(
  { uriTemplate, name, title, description, mimeType }: ResourceTemplateType,
  maxChars: number,
): Resource {
  return {
    uri: uriTemplate,
    name,
    title: title ?? null,
    description: plainText(description ?? '', maxChars),
    mimeType: mimeType ?? null,
    sizeBytes: null,
  };
}

export function filledOf({ description, messages }: GetPromptResult, maxChars: number): FilledPrompt {
  return {
    description: plainText(description ?? '', maxChars),
    messages: messages.map(({ role, content }) => ({ role, text: blockText(content), content: asRecord(content) })),
  };
}

export function partsOf({ contents }: ReadResourceResult): ResourcePart[] {
  return contents.map((part) => ({
    uri: part.uri,
    mimeType: part.mimeType ?? null,
    text: 'text' in part ? part.text : null,
    blob: 'blob' in part ? part.blob : null,
  }));
}

export function completionOf({ completion: { values, total, hasMore } }: CompleteResult): Completion {
  return { values: values.slice(0, MAX_COMPLETIONS), total: total ?? null, hasMore: hasMore === true };
}

function asRecord(block: ContentBlock): Record<string, unknown> {
  return { ...block };
}
