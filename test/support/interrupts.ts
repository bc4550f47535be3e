/** Reads interrupts and tool results from the frames of the shipped client. It does not answer them. */
import type { Chunk } from '../../src/protocol/chunks.ts';
import { eventually } from './eventually.ts';
import type { RecordedClient } from './typed-client.ts';

export type Interrupt = Extract<Chunk, { type: 'approval_request' | 'elicitation_request' }>;

/**
 * Resolves with an interrupt of this client and its conversation: the first one, or that with this number, counted from
 * 1.
 */
export function nextInterrupt(client: RecordedClient, number = 1): Promise<Interrupt & { conversationId: string }> {
  return eventually(
    () => interruptsOf(client)[number - 1] ?? null,
    `question ${number}; so far came ${JSON.stringify(client.frames.slice(-12))}`,
  );
}

/** All interrupts of this client, in the order of arrival. */
export function interruptsOf({ frames }: RecordedClient): (Interrupt & { conversationId: string })[] {
  return frames.flatMap((frame) =>
    frame.status === 'chunk' && isInterrupt(frame.chunk)
      ? [{ ...frame.chunk, conversationId: frame.conversation_id }]
      : [],
  );
}

/** The results of a turn's tool calls, in the order of arrival. */
export function toolResultsIn(chunks: readonly Chunk[]) {
  return chunks.flatMap((chunk) => (chunk.type === 'tool_result' ? [chunk] : []));
}

const isInterrupt = (chunk: Chunk): chunk is Interrupt =>
  chunk.type === 'approval_request' || chunk.type === 'elicitation_request';
