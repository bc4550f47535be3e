/**
 * Builds the replies of the scripted model. A `Reply` is a status and a list of parts that are played in order: data
 * lines, raw bytes, pauses, gates, a stall, a cut socket. `says`, `asks` and `fails` build whole answers;
 * `streams(...)` builds others from the parts below.
 */

/** One step of a reply. */
export type Part =
  | { play: 'bytes'; text: string }
  | { play: 'pause'; ms: number }
  | { play: 'gate'; gate: Gate }
  /** Sends nothing more until the client disconnects. */
  | { play: 'stall' }
  /** Destroys the socket in the middle of the answer. */
  | { play: 'tear' };

export interface Reply {
  /** `null`: headers are never sent. */
  status: number | null;
  headers: Record<string, string>;
  parts: Part[];
}

/** Holds a reply back until the test opens it. */
export interface Gate {
  open(): void;
  readonly opened: Promise<void>;
  /** Resolves when the server has written everything before the gate. */
  readonly reached: Promise<void>;
  arrive(): void;
}

type Parts = Part | readonly Part[];

/** The model that every chunk names. */
export const scriptedModel = 'scripted-model';

/** The usage that replies report by default. */
export const scriptedUsage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };

/** An event stream of exactly these parts. It ends cleanly; `[DONE]` is sent only if it is a part. */
export function streams(...parts: Parts[]): Reply {
  return { status: 200, headers: { 'content-type': 'text/event-stream' }, parts: parts.flat() };
}

/** A plain answer: one chunk a word, a finish, usage and `[DONE]`. `delayMs` is the pause before each chunk. */
export function says(
  words: string,
  options: { reasoning?: string; finish?: string; delayMs?: number; usage?: 'last' | 'each' | 'none' } = {},
): Reply {
  const counts = options.usage ?? 'last';
  const extra = counts === 'each' ? { usage: scriptedUsage } : {};
  const said = words.match(/\S+\s*|\s+/g)?.flatMap((word) => {
    const part = delta({ content: word }, null, extra);
    return options.delayMs ? [pause(options.delayMs), part] : [part];
  });
  return streams(
    delta({ role: 'assistant', content: '' }),
    options.reasoning ? delta({ reasoning_content: options.reasoning }) : [],
    said ?? [],
    finish(options.finish ?? 'stop'),
    counts === 'last' ? usage() : [],
    done(),
  );
}

/** An answer with a gate before each piece; `release` opens the next `count` gates. */
export function saysStepwise(...pieces: string[]): {
  reply: Reply;
  gates: readonly Gate[];
  release(count?: number): void;
} {
  const steps = pieces.map((content) => ({ gate: createGate(), part: delta({ content }) }));
  let released = 0;
  return {
    reply: streams(
      delta({ role: 'assistant', content: '' }),
      steps.flatMap((step) => [gate(step.gate), step.part]),
      finish('stop'),
      usage(),
      done(),
    ),
    gates: steps.map((step) => step.gate),
    release(count = 1) {
      for (const step of steps.slice(released, released + count)) step.gate.open();
      released += count;
    },
  };
}

/**
 * A status and an error body in OpenAI's format, e.g. `fails(429, 'slow down', { headers: { 'retry-after': '2' } })`.
 */
export function fails(
  status: number,
  message: string,
  options: { code?: string; headers?: Record<string, string> } = {},
): Reply {
  const error = { message, type: 'scripted_error', param: null, code: options.code ?? null };
  return {
    status,
    headers: { 'content-type': 'application/json', ...options.headers },
    parts: [bytes(JSON.stringify({ error }))],
  };
}

/** Any body under any content type, e.g. a proxy's HTML page with status 200. */
export function answersWith(contentType: string, body: string, status = 200): Reply {
  return { status, headers: { 'content-type': contentType }, parts: [bytes(body)] };
}

/** Reads the request and never answers. */
export function hangs(): Reply {
  return { status: null, headers: {}, parts: [] };
}

/** Sends headers and the given words, then nothing, while the connection stays open. */
export function stalls(...words: string[]): Reply {
  return streams(text(...words), { play: 'stall' });
}

/** Sends the given words and ends: `torn` destroys the socket, `clean` closes it without a finish_reason. */
export function cuts(manner: 'torn' | 'clean', ...words: string[]): Reply {
  return streams(text(...words), manner === 'torn' ? { play: 'tear' } : []);
}

export function createGate(): Gate {
  const opened = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  return { open: opened.resolve, opened: opened.promise, reached: reached.promise, arrive: reached.resolve };
}

// Parts for `streams`.

export const bytes = (text: string): Part => ({ play: 'bytes', text });
export const pause = (ms: number): Part => ({ play: 'pause', ms });
export const gate = (gate: Gate): Part => ({ play: 'gate', gate });
/** A data line with any content, JSON or not. */
export const data = (line: string): Part => bytes(`data: ${line}\n\n`);
export const done = (): Part => data('[DONE]');
export const comment = (words = 'keep-alive'): Part => bytes(`: ${words}\n\n`);

/** A chunk with one choice. `extra` joins the chunk's top level, e.g. `{ usage }`. */
export function delta(
  delta: Record<string, unknown>,
  finishReason: string | null = null,
  extra: Record<string, unknown> = {},
): Part {
  return chunk({ choices: [{ index: 0, delta, finish_reason: finishReason }], ...extra });
}

/** One content delta for each word, without roles. */
export const text = (...words: string[]): Part[] => words.map((content) => delta({ content }));
export const finish = (reason: string): Part => delta({}, reason);
/** The usage-only last chunk. */
export const usage = (counts: Record<string, unknown> = scriptedUsage): Part => chunk({ choices: [], usage: counts });
/** An error in the middle of the stream. */
export const errorChunk = (error: unknown): Part => data(JSON.stringify({ error }));

function chunk(fields: Record<string, unknown>): Part {
  return data(
    JSON.stringify({
      id: 'chatcmpl-scripted',
      object: 'chat.completion.chunk',
      created: 1,
      model: scriptedModel,
      ...fields,
    }),
  );
}
