/**
 * The values that mean something to the server: ids of conversations, requests and messages, places in a
 * log. Few enough that attacks meet in the same conversations, and of the same shape as honest clients' ids.
 */
import type { Questions } from './questions.ts';
import type { Random } from './random.ts';
import { sharedPrefix } from './ledger.ts';

export interface Names {
  /** A request id that nobody has used, seldom one of this socket's again, or one that many sockets use. */
  requestId(): string;
  /** A value that could stand in a field of this name; undefined for names that mean nothing here. */
  plausible(field: string): unknown;
  /** The fields by which an answer means a question that one of the attackers was asked; now and then none of them. */
  question(): { conversation_id: string; interrupt_id: string } | null;
}

/** Attackers meet in these. */
export const sharedConversations = 32;
const sharedRequests = 64;

/** A random UUID's shape, as typed clients make them. */
function uuidFrom(random: Random): string {
  const hex = random.bytes(16).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20)].join('-');
}

/** Conversations are the same for all seeds: their logs grow over a run, and are trimmed and deleted again. */
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

/** Mostly within a log that a conversation could have; now and then far from any. */
function placeFrom(random: Random): number {
  return random.chance(0.8)
    ? random.int(1, 60)
    : random.pick([0, 1_000_000, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER]);
}

/** Where a question may be meant, so much chance is taken whether or not there is one: the rest of the attack stays the same. */
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
    // What the bundled server offers.
    server: () => 'demo',
    name: () => 'summarize',
    uri: () => 'parley://about',
    resources: () => Array.from({ length: random.int(0, 2) }, () => ({ server: 'demo', uri: 'parley://about' })),
    // Of the one provider, its only model: any other is refused, and few chats would be left.
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
