/**
 * A server's request to the model (MCP sampling), in the words of both sides. Text alone goes to the model: what a
 * server sends beside it is described. Knows no provider; whoever asks one is told how much it may answer.
 */
import type { ContentBlock, CreateMessageResult } from '@modelcontextprotocol/client';
import { z } from 'zod';
import { blockText } from '../content/result-text.ts';

/** What a model is asked for a server. */
export interface SamplingRequest {
  systemPrompt: string;
  messages: { role: 'user' | 'assistant'; text: string }[];
  /** The server's wish, or less. */
  maxTokens: number;
}

/** What it said; `null` where nobody could be asked, which the log tells more about. */
export interface SamplingAnswer {
  text: string;
  model: string;
  stopReason: 'endTurn' | 'maxTokens';
}

/** Asks a model, within the budget; null when that fails. */
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

/** Null for what this client does not do: tools, and blocks that it does not know. */
export function readSampling(params: Record<string, unknown>, maxTokens: number): SamplingRequest | null {
  const { data } = request.safeParse(params);
  if (!data || params['tools'] !== undefined) return null;
  return {
    systemPrompt: data.systemPrompt,
    messages: data.messages.map(({ role, content }) => ({ role, text: [content].flat().map(blockText).join('\n') })),
    maxTokens: Math.min(data.maxTokens, maxTokens),
  };
}

export function samplingResultOf({ text, model, stopReason }: SamplingAnswer): CreateMessageResult {
  return { role: 'assistant', content: { type: 'text', text }, model, stopReason };
}
