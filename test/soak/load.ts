/**
 * Makes moderate load with the shipping client, as people would: chats with pauses, tool calls, new conversations, reads
 * of the history, forks, deletions and reconnects. What exists at a time is bounded, so that every figure can be flat.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { connect, type Client } from '../../src/client/client.ts';
import { answerTo } from '../fuzz/script.ts';

export interface Load {
  /** Turns that ended as they should. */
  turns(): number;
  /** What went wrong, as sentences: the first ten. */
  readonly problems: readonly string[];
  /** Resolves when every client has ended its turn and closed. */
  stop(): Promise<void>;
}

/** Turns in one conversation before the next one. */
const TURNS_EACH = 15;
/** Conversations of a client. The oldest one is deleted. */
const CONVERSATIONS_EACH = 4;
/** Conversations before a client connects again. */
const CONVERSATIONS_PER_SOCKET = 5;
const MAX_PROBLEMS = 10;

/** `pauseMs`: between two turns of a client, half of it to one and a half. */
export function startLoad(url: string, { clients, pauseMs }: { clients: number; pauseMs: number }): Load {
  const problems: string[] = [];
  const over = new AbortController();
  let turns = 0;
  const report = (what: string) => {
    if (problems.length < MAX_PROBLEMS) problems.push(what);
  };

  /** One conversation from its first turn to a fork of it. Returns the ids of both. */
  const converse = async (client: Client): Promise<string[]> => {
    const conversationId = crypto.randomUUID();
    for (let turn = 1; turn <= TURNS_EACH && !over.signal.aborted; turn += 1) {
      const message = `Question ${turn} of ${conversationId}`;
      const text = await client.chat(message, { conversationId }).text();
      if (text === answerTo(message).join('')) turns += 1;
      else report(`"${message}" was answered "${text}"`);
      await pause(pauseMs * (0.5 + Math.random()));
    }
    const { events } = await client.history(conversationId, { limit: 100 });
    const end = events.findLast(({ extra }) => extra?.['kind'] === 'turn_end');
    if (!end) return [conversationId];
    const fork = await client.fork(conversationId, end.seq);
    return [conversationId, fork.conversation_id];
  };

  const useServer = async () => {
    let own: string[] = [];
    while (!over.signal.aborted && problems.length < MAX_PROBLEMS) {
      const client = connect(url);
      for (let begun = 0; begun < CONVERSATIONS_PER_SOCKET && !over.signal.aborted; begun += 1) {
        own.push(...(await converse(client)));
        const old = own.slice(0, -CONVERSATIONS_EACH);
        own = own.slice(-CONVERSATIONS_EACH);
        for (const conversationId of old) await client.delete(conversationId);
      }
      client.close();
    }
  };

  const running = Array.from({ length: clients }, () =>
    useServer().catch((error: unknown) => report(`a client failed: ${String(error)}`)),
  );
  return {
    turns: () => turns,
    problems,
    async stop() {
      over.abort();
      await Promise.all(running);
    },
  };
}
