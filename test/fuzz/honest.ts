/**
 * The honest clients beside an attack: each chats in a conversation of its own with the client that ships.
 * Every answer must be whole and right, no connection may be lost, and how long the first chunk takes is measured.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { connect, type Client } from '../../src/client/client.ts';
import { answerTo } from './script.ts';

export interface HonestClients {
  readonly count: number;
  /** Chats until `until` settles, and the turns that run then have ended. */
  chatUntil(until: Promise<unknown>): Promise<Latency>;
  /** What went wrong so far, in words. */
  readonly complaints: readonly string[];
  close(): void;
}

export interface Latency {
  turns: number;
  /** From sending to the first chunk of text. */
  firstChunkMs: { p50: number; p99: number; most: number };
}

const clientCount = 6;
/** Turns in one conversation before the next one is begun: contexts stay small. */
const turnsEach = 20;
const mostComplaints = 10;
/** Longer than a turn takes behind any attack. */
const patienceMs = 30_000;

export function connectHonestClients(url: string): HonestClients {
  const complaints: string[] = [];
  const complain = (what: string) => {
    if (complaints.length < mostComplaints) complaints.push(what);
  };
  let closing = false;
  const clients = Array.from({ length: clientCount }, (_, index) =>
    connect(url, {
      onStatus(status) {
        if (closing || status.status === 'connecting' || status.status === 'open') return;
        complain(`client ${index} lost its connection: ${JSON.stringify(status)}`);
      },
    }));
  let nextTurn = 1;

  /** Resolves with the time to the first chunk. */
  const chat = async (client: Client, conversationId: string): Promise<number> => {
    const message = `Question ${nextTurn++}: what do you say?`;
    const sentMs = performance.now();
    let firstMs: number | null = null;
    const turn = client.chat(message, { conversationId });
    for await (const chunk of turn) if (chunk.type === 'text') firstMs ??= performance.now() - sentMs;
    const [text, { metadata }] = await Promise.all([turn.text(), turn.end]);
    const expected = answerTo(message).join('');
    if (text !== expected || metadata.finish_reason !== 'stop') complain(`"${message}" was answered "${text}" (${metadata.finish_reason}) instead of "${expected}"`);
    return firstMs ?? Infinity;
  };

  return {
    count: clientCount,
    complaints,
    async chatUntil(until) {
      const over = new AbortController();
      const end = () => over.abort();
      until.then(end, end);
      const times: number[] = [];
      await Promise.all(clients.map(async (client) => {
        let conversationId = crypto.randomUUID();
        for (let turn = 1; !over.signal.aborted && complaints.length < mostComplaints; turn += 1) {
          if (turn % turnsEach === 0) conversationId = crypto.randomUUID();
          const late = pause(patienceMs, null, { ref: false }).then(() => Promise.reject(new Error(`it has not ended after ${patienceMs} ms`)));
          const time = await Promise.race([chat(client, conversationId), late]).catch((error: unknown) => complain(`a turn failed: ${String(error)}`));
          if (time !== undefined) times.push(time);
        }
      }));
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
  const at = (share: number) => Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 10) / 10;
  return { turns: times.length, firstChunkMs: { p50: at(0.5), p99: at(0.99), most: at(1) } };
}
