/**
 * What servers offer beside tools, as the rest of Parley knows it: prompts, resources and templates of resources.
 * Types only; `read-offers.ts` makes them of the SDK's.
 */

export interface Prompt {
  name: string;
  title: string | null;
  description: string;
  arguments: { name: string; description: string; required: boolean }[];
}

/** A resource, or by its template any number of them. */
export interface Resource {
  /** Of a template: an RFC 6570 URI template. */
  uri: string;
  name: string;
  title: string | null;
  description: string;
  mimeType: string | null;
  sizeBytes: number | null;
}

/** A prompt with its arguments filled in. */
export interface FilledPrompt {
  description: string;
  messages: PromptMessage[];
}

export interface PromptMessage {
  role: 'user' | 'assistant';
  /** What a model that reads text is shown of it. */
  text: string;
  /** As the server gave it. */
  content: Record<string, unknown>;
}

export interface ResourcePart {
  uri: string;
  mimeType: string | null;
  /** Null for what is no text; it is then in `blob`, base64. */
  text: string | null;
  blob: string | null;
}

/** What an argument may be completed to. */
export interface Completion {
  values: string[];
  /** Null where the server has not counted them. */
  total: number | null;
  hasMore: boolean;
}
