/**
 * Reads a server's sampling request and makes its result. The model gets text only: images, audio and resources become
 * short descriptions.
 */
import type { ContentBlock, CreateMessageResult } from '@modelcontextprotocol/client';
import { z } from 'zod';
import { blockText } from '../content/result-text.ts';

/** A request to the model on behalf of a server. */
export interface SamplingRequest {
  systemPrompt: string;
  messages: { role: 'user' | 'assistant'; text: string }[];
  /** As the server requests, within the configured limit. */
  maxTokens: number;
}

/** The model's answer to a server. */
export interface SamplingAnswer {
  text: string;
  model: string;
  stopReason: 'endTurn' | 'maxTokens';
}

/** Sends the request to a model, within the budget. Null if that fails; the log has the reason. */
export type Sample = (sampling: SamplingRequest, signal: AbortSignal) => Promise<SamplingAnswer | null>;

const block = z.custom<ContentBlock>(
  (value) => z.object({ type: z.enum(['text', 'image', 'audio']) }).safeParse(value).success,
);
const request = z.object({
  messages: z
    .array(z.object({ role: z.enum(['user', 'assistant']), content: z.union([block, z.array(block)]) }))
    .min(1),
  systemPrompt: z.string().default(''),
  maxTokens: z.int().min(1),
});

/** Returns null for what Parley does not support: tools, and unknown kinds of content. */
export function readSampling(params: Record<string, unknown>, maxTokens: number): SamplingRequest | null {
  const { data } = request.safeParse(params);
  if (!data || params['tools'] !== undefined) return null;
  return {
    systemPrompt: data.systemPrompt,
    messages: data.messages.map(({ role, content }) => ({ role, text: [content].flat().map(blockText).join('\n') })),
    maxTokens: Math.min(data.maxTokens, maxTokens),
  };
}

/** Makes the result in MCP's form. */
export function samplingResultOf({ text, model, stopReason }: SamplingAnswer): CreateMessageResult {
  return { role: 'assistant', content: { type: 'text', text }, model, stopReason };
}
