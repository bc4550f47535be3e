/** Reads the chunks of a scripted reply, for dialects that write them in another form. */

/** What a piece of a reply says. `other`: text that is no chunk, such as a comment. */
export type Step =
  | { kind: 'text' | 'reasoning' | 'call'; text: string }
  | { kind: 'done' }
  | { kind: 'other'; text: string };

/** The answer so far. */
export interface Whole {
  text: string;
  reasoning: string;
  calls: { name: string; arguments: string }[];
  finish: string | null;
  usage: Record<string, unknown> | null;
}

export interface ChunkReader {
  read(bytes: string): Step[];
  whole(): Whole;
}

interface Chunk {
  choices?: {
    delta?: {
      content?: string;
      reasoning_content?: string;
      tool_calls?: { index?: number; function?: { name?: string; arguments?: string } }[];
    };
    finish_reason?: string | null;
  }[];
  usage?: Record<string, unknown>;
}

export function createChunkReader(): ChunkReader {
  const whole: Whole = { text: '', reasoning: '', calls: [], finish: null, usage: null };
  return {
    whole: () => whole,
    read(bytes) {
      const data = /^data: (.*)\n\n$/s.exec(bytes)?.[1];
      if (data === '[DONE]') return [{ kind: 'done' }];
      if (data === undefined || !data.startsWith('{')) return [{ kind: 'other', text: bytes }];
      const chunk = JSON.parse(data) as Chunk;
      if (chunk.choices === undefined) return [{ kind: 'other', text: bytes }];
      whole.usage = chunk.usage ?? whole.usage;
      return chunk.choices.flatMap(({ delta = {}, finish_reason = null }): Step[] => {
        whole.finish ??= finish_reason;
        whole.text += delta.content ?? '';
        whole.reasoning += delta.reasoning_content ?? '';
        const pieces = (delta.tool_calls ?? []).map((call, place): Step => {
          const at = call.index ?? place;
          const known = (whole.calls[at] ??= { name: '', arguments: '' });
          known.name ||= call.function?.name ?? '';
          known.arguments += call.function?.arguments ?? '';
          return { kind: 'call', text: call.function?.arguments ?? '' };
        });
        return [
          ...(delta.reasoning_content ? [{ kind: 'reasoning' as const, text: delta.reasoning_content }] : []),
          ...(delta.content ? [{ kind: 'text' as const, text: delta.content }] : []),
          ...pieces,
        ];
      });
    },
  };
}
