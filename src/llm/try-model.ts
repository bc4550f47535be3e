/** Tries a model with three short requests: whether it streams, calls tools and sees images. */
import { randomUUID } from 'node:crypto';
import type { ChatCompletionTool } from 'openai/resources/chat/completions';
import type { MessageWithImages } from './message-images.ts';
import type { AnswerEnd, LanguageModel } from './port.ts';

/** What a trial showed. */
export interface Verdict {
  /** `failed`: the request itself did not get an answer. */
  result: 'yes' | 'no' | 'unclear' | 'failed';
  /** One line for people. */
  detail: string;
}

const addTool: ChatCompletionTool = {
  type: 'function',
  function: {
    name: 'add',
    description: 'Adds two numbers.',
    parameters: {
      type: 'object',
      properties: { a: { type: 'number' }, b: { type: 'number' } },
      required: ['a', 'b'],
    },
  },
};

/** A red square of 16 x 16. */
const RED_SQUARE =
  'iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAGUlEQVR42mP4z8BAEmIY1TCqYVTDqIZRDQMAEJIB//S5bKcAAAAASUVORK5CYII=';

/** One trial of `model`. `without`: what Parley had to leave out of the request for it. */
interface Trial {
  text: string;
  pieces: number;
  firstMs: number | null;
  withoutTools: boolean;
  end: AnswerEnd;
}

/** Returns the verdicts by what was tried. Never rejects. `leftOut` says whether images were left out of a request so far. */
export async function tryModel(
  { provider, model }: { provider: string; model: string },
  llm: Pick<LanguageModel, 'stream'>,
  leftOut: () => boolean,
  signal: AbortSignal,
): Promise<Record<'streams' | 'tools' | 'images', Verdict>> {
  const ask = async (messages: MessageWithImages[], tools: readonly ChatCompletionTool[] = []): Promise<Trial> => {
    const startedMs = performance.now();
    const trial = { text: '', pieces: 0, firstMs: null as number | null, withoutTools: false };
    const noteFirst = () => {
      trial.firstMs ??= performance.now() - startedMs;
    };
    const sink = {
      queued() {},
      withoutTools() {
        trial.withoutTools = true;
      },
      withoutSome() {
        trial.withoutTools = true;
      },
      textWasReasoning() {
        trial.text = '';
      },
      reasoning: noteFirst,
      text(delta: string) {
        noteFirst();
        trial.text += delta;
        trial.pieces += 1;
      },
    };
    const place = ['trial', randomUUID()] as const;
    const end = await llm.stream({ messages, tools, sizes: null, provider, model, place }, sink, signal);
    return { ...trial, end };
  };

  const streams = streaming(await ask([{ role: 'user', content: 'Count from one to twenty, in words.' }]));
  if (streams.result === 'failed') return { streams, tools: notTried, images: notTried };
  const tools = calling(await ask([{ role: 'user', content: 'Use the tool to add 2 and 3.' }], [addTool]));
  const image = { mimeType: 'image/png', data: RED_SQUARE };
  const asked = { role: 'user' as const, content: 'Which colour is this square? One word.', images: [image] };
  return { streams, tools, images: seeing(await ask([asked]), leftOut()) };
}

const notTried: Verdict = { result: 'failed', detail: 'not tried' };

function failed({ end }: Trial): Verdict | null {
  if (end.status === 'failed') return { result: 'failed', detail: end.fault.message };
  return end.status === 'aborted' ? { result: 'failed', detail: 'stopped' } : null;
}

function streaming(trial: Trial): Verdict {
  const failure = failed(trial);
  if (failure) return failure;
  if (trial.pieces === 0) return { result: 'no', detail: 'the answer had no text' };
  if (trial.pieces === 1) return { result: 'no', detail: 'the answer came in one piece' };
  return { result: 'yes', detail: `${trial.pieces} pieces, the first after ${Math.round(trial.firstMs ?? 0)} ms` };
}

function calling(trial: Trial): Verdict {
  const failure = failed(trial);
  if (failure) return failure;
  if (trial.withoutTools) return { result: 'no', detail: 'the model rejects tools' };
  const called = trial.end.status === 'finished' && trial.end.toolCalls.some(({ name }) => name === 'add');
  return called
    ? { result: 'yes', detail: 'it called the tool' }
    : { result: 'unclear', detail: 'it was offered a tool and did not call it' };
}

function seeing(trial: Trial, isLeftOut: boolean): Verdict {
  const failure = failed(trial);
  if (failure) return failure;
  if (isLeftOut) return { result: 'no', detail: 'the model rejects images' };
  return /\bred\b/i.test(trial.text)
    ? { result: 'yes', detail: 'it named the colour of a square' }
    : { result: 'unclear', detail: 'it took the image and did not name its colour' };
}
