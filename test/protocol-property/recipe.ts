/**
 * Defines recipes. A *recipe* is part of a message and says how the model answers it. The same message is thus answered
 * in the same way each time, after a restart and on another branch too.
 */
import fc from 'fast-check';
import { z } from 'zod';

const piece = z.enum(['word', 'pair', 'halves', 'page', 'flood']);
const tool = z.enum(['free', 'asks']);

const recipe = z.object({
  /** Tool calls of each hop before the answer. */
  hops: z.array(z.array(tool).min(1)),
  reasoning: z.boolean(),
  pieces: z.array(piece),
  /** `torn`: the stream breaks in the middle of the answer. `refused`: the request is rejected. */
  end: z.enum(['stop', 'torn', 'refused']),
});

/** How one message is answered. Every piece waits until the run releases it. */
export type Recipe = z.infer<typeof recipe>;
export type Tool = z.infer<typeof tool>;

const message = z.object({ conversation: z.string(), turn: z.string(), recipe });
export type Message = z.infer<typeof message>;

export function writeMessage(written: Message): string {
  return JSON.stringify(written);
}

/** Returns null for text that is no message of a run. */
export function readMessage(text: unknown): Message | null {
  try {
    return message.parse(JSON.parse(String(text)));
  } catch {
    return null;
  }
}

/** Two of these in one message exceed the buffer after which a socket counts as slow. */
const PAGE_CHARS = 150_000;
/**
 * More than a loopback connection buffers for a client that has stopped reading, so that its server sees that it is
 * slow.
 */
const FLOOD_CHARS = 5_000_000;

/** Deltas of a piece. A model may stop between the two halves of one character. */
export function deltasOf(piece: Recipe['pieces'][number], index: number): string[] {
  switch (piece) {
    case 'word':
      return [`w${index} `];
    case 'pair':
      return ['\u{1F600}'];
    case 'halves':
      return ['\u{1F680}'.charAt(0), '\u{1F680}'.charAt(1)];
    case 'page':
      return [`${index} `.repeat(PAGE_CHARS / 2)];
    case 'flood':
      return [`${index} `.repeat(FLOOD_CHARS / 2)];
  }
}

const somePiece = fc.oneof(
  { weight: 12, arbitrary: fc.constant('word' as const) },
  { weight: 3, arbitrary: fc.constantFrom('pair' as const, 'halves' as const) },
  { weight: 4, arbitrary: fc.constant('page' as const) },
);

const floods = fc.constant<Recipe>({ hops: [], reasoning: false, pieces: ['word', 'flood', 'word'], end: 'stop' });

export const someRecipe: fc.Arbitrary<Recipe> = fc.oneof(
  {
    weight: 60,
    arbitrary: fc.record({
      hops: fc.oneof(
        { weight: 3, arbitrary: fc.constant<Tool[][]>([]) },
        {
          weight: 2,
          arbitrary: fc.array(fc.array(fc.constantFrom<Tool>('free', 'asks'), { minLength: 1, maxLength: 2 }), {
            maxLength: 2,
          }),
        },
      ),
      reasoning: fc.boolean(),
      pieces: fc.array(somePiece, { maxLength: 4 }),
      end: fc.oneof(
        { weight: 8, arbitrary: fc.constant('stop' as const) },
        { weight: 1, arbitrary: fc.constantFrom('torn' as const, 'refused' as const) },
      ),
    }),
  },
  { weight: 1, arbitrary: floods },
);
