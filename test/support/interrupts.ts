/** What a turn asks people and how its calls ended, as the client that ships was told. Only looks; answering is the test's. */
import type { Chunk } from '../../src/protocol/chunks.ts';
import { eventually } from './eventually.ts';
import type { RecordedClient } from './typed-client.ts';

export type Interrupt = Extract<Chunk, { type: 'approval_request' | 'elicitation_request' }>;

/** The first question that a client is told of, or a later one by its number, with the conversation that it is asked in. */
export function nextInterrupt(client: RecordedClient, number = 1): Promise<Interrupt & { conversationId: string }> {
  return eventually(
    () => interruptsOf(client)[number - 1] ?? null,
    `question ${number}; so far came ${JSON.stringify(client.frames.slice(-12))}`,
  );
}

/** All of them, in the order in which they came. */
export function interruptsOf({ frames }: RecordedClient): (Interrupt & { conversationId: string })[] {
  return frames.flatMap((frame) =>
    frame.status === 'chunk' && isInterrupt(frame.chunk)
      ? [{ ...frame.chunk, conversationId: frame.conversation_id }]
      : [],
  );
}

/** How the calls of a turn ended, in the order in which they did. */
export function toolResultsIn(chunks: readonly Chunk[]) {
  return chunks.flatMap((chunk) => (chunk.type === 'tool_result' ? [chunk] : []));
}

const isInterrupt = (chunk: Chunk): chunk is Interrupt =>
  chunk.type === 'approval_request' || chunk.type === 'elicitation_request';
