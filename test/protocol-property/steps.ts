/**
 * Defines the steps of a run as data: actions of a few clients in a few conversations, generated and shrunk by
 * fast-check. Every step is possible: a client without a socket opens one.
 */
import fc from 'fast-check';
import { someRecipe, type Recipe } from './recipe.ts';

export const CLIENTS = 4;
export const CONVERSATIONS = 2;

/**
 * Start of a subscription: where the client is, a bit before that, at the beginning, beyond the end, or in an unknown
 * message.
 */
export type From = 'here' | 'before' | 'start' | 'beyond' | 'lost';

/** `hurry`: the next step follows in the same tick. Otherwise it waits for the answer. */
type Asking = { client: number; conversation: number; hurry: boolean };

export type Step =
  | ({
      do: 'chat';
      turn: number;
      recipe: Recipe;
      mode: 'queue' | 'reject' | 'interrupt';
      streaming: boolean;
      withCursor: boolean;
      otherText: boolean;
      rewind: Rewind | null;
    } & Asking)
  | ({ do: 'cancel'; turn: number | null } & Asking)
  | ({ do: 'subscribe'; from: From; state: boolean } & Asking)
  | ({ do: 'unsubscribe' } & Asking)
  | ({ do: 'respond'; question: number; decision: 'approve' | 'deny' } & Asking)
  | ({ do: 'history' } & Asking)
  | ({ do: 'delete' } & Asking)
  | { do: 'resume'; client: number; hurry: boolean }
  | { do: 'drop'; client: number; how: 'cut' | 'close' }
  | { do: 'stopReading'; client: number }
  | { do: 'resumeReading'; client: number }
  | { do: 'model'; conversation: number; pieces: number; hurry: boolean }
  | { do: 'restart' };

/** Rewinds to an accepted message, or, if there is none, to an arbitrary row. */
export interface Rewind {
  to: number;
  /** False sends the same text again. */
  edited: boolean;
}

const client = fc.nat({ max: CLIENTS - 1 });
const conversation = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.nat({ max: CONVERSATIONS - 1 }) },
);
const turn = fc.nat({ max: 5 });
const rarely = (times: number) => fc.nat({ max: times }).map((n) => n === times);
const asking = { client, conversation, hurry: fc.boolean() };

const chat: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('chat' as const),
  turn,
  recipe: someRecipe,
  mode: fc.constantFrom('queue' as const, 'queue' as const, 'queue' as const, 'reject' as const, 'interrupt' as const),
  streaming: rarely(4).map((not) => !not),
  withCursor: fc.boolean(),
  otherText: rarely(20),
  rewind: fc.oneof(
    { weight: 8, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.record({ to: fc.nat({ max: 7 }), edited: fc.boolean() }) },
  ),
  ...asking,
});

const weighted: [number, fc.Arbitrary<Step>][] = [
  [24, chat],
  [
    40,
    fc.record({
      do: fc.constant('model' as const),
      conversation,
      pieces: fc.integer({ min: 1, max: 5 }),
      hurry: fc.boolean(),
    }),
  ],
  [
    18,
    fc.record({
      do: fc.constant('subscribe' as const),
      from: fc.constantFrom<From>('here', 'here', 'before', 'start', 'beyond', 'lost'),
      state: fc.boolean(),
      ...asking,
    }),
  ],
  [4, fc.record({ do: fc.constant('unsubscribe' as const), ...asking })],
  [6, fc.record({ do: fc.constant('cancel' as const), turn: fc.option(turn, { nil: null }), ...asking })],
  [
    8,
    fc.record({
      do: fc.constant('respond' as const),
      question: fc.nat({ max: 3 }),
      decision: fc.constantFrom('approve' as const, 'deny' as const),
      ...asking,
    }),
  ],
  [2, fc.record({ do: fc.constant('history' as const), ...asking })],
  [1, fc.record({ do: fc.constant('delete' as const), ...asking })],
  [12, fc.record({ do: fc.constant('resume' as const), client, hurry: fc.boolean() })],
  [12, fc.record({ do: fc.constant('drop' as const), client, how: fc.constantFrom('cut' as const, 'close' as const) })],
  [3, fc.record({ do: fc.constant('stopReading' as const), client })],
  [4, fc.record({ do: fc.constant('resumeReading' as const), client })],
  [1, fc.constant({ do: 'restart' as const })],
];

export const someSteps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary }))),
  { minLength: 1, maxLength: 60, size: 'max' },
);

/** Formats a step in one line. */
export function describeStep({ do: what, ...details }: Step): string {
  return `${what} ${JSON.stringify(details)}`;
}
