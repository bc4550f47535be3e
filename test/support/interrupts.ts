/** What a turn asks people and how its calls ended, as the client that ships was told. Only looks; answering is the test's. */
import type { Chunk } from '../../src/protocol/chunks.ts';
import { eventually } from './server-process.ts';
import type { WatchedClient } from './typed-client.ts';

export type Question = Extract<Chunk, { type: 'approval_request' | 'elicitation_request' }>;

/** The first question that a client is told of, or a later one by its number, with the conversation that it is asked in. */
export function question(client: WatchedClient, number = 1): Promise<Question & { conversationId: string }> {
  return eventually(
    () => questionsTo(client)[number - 1] ?? null,
    `question ${number}; so far came ${JSON.stringify(client.frames.slice(-12))}`,
  );
}

/** All of them, in the order in which they came. */
export function questionsTo({ frames }: WatchedClient): (Question & { conversationId: string })[] {
  return frames.flatMap((frame) =>
    frame.status === 'chunk' && isQuestion(frame.chunk)
      ? [{ ...frame.chunk, conversationId: frame.conversation_id }]
      : [],
  );
}

/** How the calls of a turn ended, in the order in which they did. */
export function resultsIn(chunks: readonly Chunk[]) {
  return chunks.flatMap((chunk) => (chunk.type === 'tool_result' ? [chunk] : []));
}

const isQuestion = (chunk: Chunk): chunk is Question =>
  chunk.type === 'approval_request' || chunk.type === 'elicitation_request';
