/**
 * Runs the honest clients during an attack: each chats in its own conversation with the shipping client. Every answer
 * must be complete and right, and no connection may be lost. The time to the first chunk is measured.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { connect, type Client } from '../../src/client/client.ts';
import { sharedConversation, sharedConversations } from './names.ts';
import { answerTo, callsFirst, honestMark, scriptedCall } from './script.ts';

export interface HonestClients {
  readonly count: number;
  /** Chats until `until` settles and the running turns have ended. */
  chatUntil(until: Promise<unknown>): Promise<Latency>;
  /** What went wrong so far, as sentences. */
  readonly problems: readonly string[];
  close(): void;
}

export interface Latency {
  turns: number;
  /** Milliseconds from sending a message to the first chunk of text. */
  firstChunkMs: { p50: number; p99: number; max: number };
}

const clientCount = 6;
/** Turns in one conversation before the next one begins, so that contexts stay small. */
const turnsEach = 20;
const maxProblems = 10;
/** Longer than a turn takes during any attack. */
const timeoutMs = 30_000;

/** `token`: of their own subject. Their conversations then have the same ids as those of the attackers. */
export function connectHonestClients(url: string, token: string | null): HonestClients {
  const problems: string[] = [];
  const report = (what: string) => {
    if (problems.length < maxProblems) problems.push(what);
  };
  let closing = false;
  const clients = Array.from({ length: clientCount }, (_, index) =>
    connect(url, {
      ...(token === null ? {} : { token }),
      onStatus(status) {
        if (closing || status.status === 'connecting' || status.status === 'open') return;
        report(`client ${index} lost its connection: ${JSON.stringify(status)}`);
      },
      onWait: (wait) => report(`client ${index} was rejected: ${JSON.stringify(wait)}`),
    }),
  );
  let nextTurn = 1;
  /** Ids for one client alone, so that no turn waits for another honest turn. */
  const conversationsOf = (index: number) => {
    let place = index;
    return () => {
      if (token === null) return crypto.randomUUID();
      place = (place + clientCount) % (sharedConversations - (sharedConversations % clientCount));
      return sharedConversation(place + 1);
    };
  };

  /** Returns the time to the first chunk; null if a person was asked before. */
  const chat = async (client: Client, conversationId: string): Promise<number | null> => {
    const message = `Question ${nextTurn++}, ${honestMark}: what is your answer?`;
    const sentMs = performance.now();
    let firstMs: number | null = null;
    const turn = client.chat(message, { conversationId });
    let isApproved = false;
    for await (const chunk of turn) {
      if (chunk.type === 'text') firstMs ??= performance.now() - sentMs;
      // A late answer finds the question expired, and the turn still ends.
      if (chunk.type === 'approval_request')
        isApproved =
          'accepted' in
          (await client.respond(conversationId, { interruptId: chunk.interrupt_id, decision: 'approve' }));
      if (chunk.type === 'tool_result' && isApproved && chunk.data !== scriptedCall.result)
        report(`a call was approved, and returned "${chunk.data}" (${chunk.status})`);
    }
    const [text, { metadata }] = await Promise.all([turn.text(), turn.end]);
    const expected = answerTo(message).join('');
    if (text !== expected || metadata.finish_reason !== 'stop')
      report(`"${message}" was answered "${text}" (${metadata.finish_reason}) instead of "${expected}"`);
    if (callsFirst(message)) return null;
    return firstMs ?? Infinity;
  };

  return {
    count: clientCount,
    problems,
    async chatUntil(until) {
      const over = new AbortController();
      const end = () => over.abort();
      until.then(end, end);
      const times: number[] = [];
      await Promise.all(
        clients.map(async (client, index) => {
          const nextConversation = conversationsOf(index);
          let conversationId = nextConversation();
          for (let turn = 1; !over.signal.aborted && problems.length < maxProblems; turn += 1) {
            if (turn % turnsEach === 0) conversationId = nextConversation();
            const late = pause(timeoutMs, null, { ref: false }).then(() =>
              Promise.reject(new Error(`it has not ended after ${timeoutMs} ms`)),
            );
            const time = await Promise.race([chat(client, conversationId), late]).catch((error: unknown) =>
              report(`a turn failed: ${String(error)}`),
            );
            if (typeof time === 'number') times.push(time);
          }
        }),
      );
      return latencyOf(times);
    },
    close() {
      closing = true;
      for (const client of clients) client.close();
    },
  };
}

function latencyOf(times: number[]): Latency {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 10) / 10;
  return { turns: times.length, firstChunkMs: { p50: at(0.5), p99: at(0.99), max: at(1) } };
}
