/**
 * Defines a wire protocol of language models: how a request is written and how its answer is read. Requests are made and
 * adapted in one form, that of chat completions with Parley's messages; each protocol writes it in its own form. Types only.
 */
import type { RequestBody } from '../stream/adapted-request.ts';
import type { Accumulator } from '../stream/accumulator.ts';
import type { ReasoningTagMode } from '../stream/reasoning-tags.ts';
import type { ReasoningField } from '../pass-back-reasoning.ts';
import type { AnswerSink } from '../port.ts';

/** The names of the protocols, as in `llm.providers.*.api`. */
export const apiNames = ['chat', 'responses', 'messages'] as const;
export type ApiName = (typeof apiNames)[number];

/** Whom a request asks. Reasoning is sent back only to the provider and the model that wrote it. */
export interface Asked {
  provider: string;
  model: string;
  /** The fields in which chat completions pass reasoning back. */
  passBackReasoning: readonly ReasoningField[];
  /** The same for all requests of a conversation, and does not reveal it. */
  cacheKey: string;
}

export interface WireApi {
  /** Below the base URL. `{model}` stands for the model that is asked. */
  path: string;
  /** `authorization` sends the key as a bearer token, any other header sends it unchanged. */
  keyHeader: string;
  /** Sent with every request. */
  headers: Readonly<Record<string, string>>;
  /** Parameters, in their neutral form, that a request has if the configuration does not state them. Null there leaves one out. */
  defaults(model: string, stated: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
  /** The request in the form of this protocol. The messages of `body` are Parley's (MessageWithImages). */
  encode(body: RequestBody, asked: Asked): RequestBody;
  /** The neutral name of a parameter that an error of this protocol names. Unknown names stay. */
  neutralName(parameter: string): string;
  /** Reads one streamed answer. */
  createReader(sink: AnswerSink, tagMode: ReasoningTagMode, asked: Asked): Accumulator;
}
