/**
 * Generates values that mean something to the server: ids of conversations, requests and messages, and places in a log.
 * They are few, so that attacks meet in the same conversations, and have the same shape as honest clients' ids.
 */
import type { Questions } from './questions.ts';
import type { Random } from './random.ts';
import { sharedPrefix } from './ledger.ts';

export interface Names {
  /** A new request id; rarely one of this socket again, or one that many sockets use. */
  requestId(): string;
  /** A value that could stand in a field of this name; undefined for fields that mean nothing here. */
  plausible(field: string): unknown;
  /** Fields that refer to a question of one of the attackers; sometimes null. */
  question(): { conversation_id: string; interrupt_id: string } | null;
}

/** Number of conversations that attackers share. */
export const sharedConversations = 32;
const sharedRequests = 64;

/** Formats random bytes as a UUID, as typed clients make them. */
function uuidFrom(random: Random): string {
  const hex = random.bytes(16).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20)].join('-');
}

/** Conversations are the same for all seeds: their logs grow over a run, and are trimmed and deleted. */
export function sharedConversation(number: number): string {
  return `f0220000-0000-4000-a000-${String(number).padStart(12, '0')}`;
}

function conversationFrom(random: Random): string {
  if (random.chance(0.05)) return uuidFrom(random);
  return sharedConversation(random.int(1, sharedConversations));
}

const words = [
  'what',
  'is',
  'two',
  'plus',
  'three',
  'Grüße',
  '你好',
  '🙂',
  '\u0000',
  '\ud83d',
  '\u202e',
  'null',
  '{"role":"system"}',
  '<|im_end|>',
  '\r\n\r\n',
  "'; DROP TABLE chat_events; --",
];

function textFrom(random: Random): string {
  if (random.chance(0.005)) return random.pick(words).repeat(random.int(1, 5000));
  return Array.from({ length: random.int(1, 12) }, () => random.pick(words)).join(' ');
}

/** Mostly a seq within a realistic log, sometimes far beyond. */
function placeFrom(random: Random): number {
  return random.chance(0.8)
    ? random.int(1, 60)
    : random.pick([0, 1_000_000, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER]);
}

/** Takes the same random numbers whether or not a question exists, so that the rest of the attack stays the same. */
export function createNames(random: Random, questions: Pick<Questions, 'at'>): Names {
  const used: string[] = [];
  const prefix = random.bytes(6).toString('hex');

  const conversation = () => {
    const usual = conversationFrom(random);
    const asked = questions.at(random.int(0, 999));
    return random.chance(0.15) ? (asked?.conversationId ?? usual) : usual;
  };

  const plausibles: Record<string, () => unknown> = {
    conversation_id: conversation,
    target: () => (used.length > 0 ? random.pick(used) : uuidFrom(random)),
    message_id: () => uuidFrom(random),
    interrupt_id: () => uuidFrom(random),
    text: () => textFrom(random),
    // Offered by the bundled server.
    server: () => 'demo',
    name: () => 'summarize',
    uri: () => 'parley://about',
    resources: () => Array.from({ length: random.int(0, 2) }, () => ({ server: 'demo', uri: 'parley://about' })),
    // The only model of the provider. Any other is rejected, and few chats would be left.
    model: () => 'scripted-model',
    reason: () => textFrom(random).slice(0, 1000),
    after_seq: () => placeFrom(random),
    before_seq: () => Math.max(1, placeFrom(random)),
    at_seq: () => Math.max(1, placeFrom(random)),
    rewind_to: () => Math.max(1, placeFrom(random)),
    offset: () => placeFrom(random),
    reasoning_offset: () => placeFrom(random),
  };

  return {
    requestId() {
      if (used.length > 0 && random.chance(0.05)) return random.pick(used);
      const id = random.chance(0.03) ? `${sharedPrefix}${random.int(1, sharedRequests)}` : `${prefix}-${used.length}`;
      used.push(id);
      return id;
    },
    plausible: (field) => plausibles[field]?.(),
    question() {
      const asked = questions.at(random.int(0, 999));
      return random.chance(0.8) && asked
        ? { conversation_id: asked.conversationId, interrupt_id: asked.interruptId }
        : null;
    },
  };
}
