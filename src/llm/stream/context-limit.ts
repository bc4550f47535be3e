/**
 * Reads the limit of a context, and the size of the rejected request, from the error of a provider. Most say both in a
 * sentence of their own; llama.cpp has fields for them. Pure.
 */
import { isObject } from '../../json.ts';

/** In tokens, as the provider counts. */
export interface NamedLimit {
  limit: number;
  /** The input of the rejected request, without the answer. Null if the provider does not say. */
  input: number | null;
}

/** Begins only where a number begins, so that a long one is read once. */
const NUMBER = String.raw`(?<![\d,_])(\d[\d,_]*)`;

const pattern = (text: string) => new RegExp(text.replaceAll('N', NUMBER), 'i');

/** The first match decides. The names of providers say whose sentences a pattern is for. */
const limits = [
  // Anthropic, Atlas: "210000 tokens > 200000 maximum", "exceed context limit: 150000 + 64000 > 200000".
  pattern(String.raw`\d(?: tokens)? > N(?![\d,_]| - )`),
  // OpenAI, Azure, OpenRouter, vLLM, DeepSeek, SGLang, xAI, Poolside: "maximum context length is 8192", "(262144)".
  pattern(String.raw`max(?:imum)? (?:allowed )?(?:context|prompt|model|input|sequence) length\D{0,12}N`),
  // Mistral: "too large for model with 32768 maximum context length".
  pattern(String.raw`N (?:tokens )?max(?:imum)? context length`),
  // Gemini, Vertex: "maximum number of tokens allowed (1048576)", "supports up to 32768".
  pattern(String.raw`maximum number of tokens(?: allowed)?\D{0,12}N|supports (?:only )?up to N`),
  // llama.cpp, LM Studio, Ollama: "available context size (4096 tokens)", "context length of only 4096", "context window of 512".
  pattern(String.raw`context (?:size|length|window)(?: of)?(?: only)?[ (:]{1,3}N`),
  // OpenAI, Groq, Copilot, Cerebras: "configured limit of 272000", "Limit 12000, Requested", "limit is 8192".
  pattern(String.raw`\blimit(?: of| is)?:? N`),
  // Together, Cohere, Qwen: "must be <= 4097", "cannot exceed 4081", "should be [1, 30720]", "max_seq_len 2048".
  pattern(
    String.raw`must be <= ?N|cannot exceed N|input length should be \[\d+, ?N\]|max_(?:seq|model)_len\D{0,4}N|must have less than N|sequence length is just N`,
  ),
];

const inputs = [
  pattern(String.raw`N input tokens|\bN tokens (?:from|in) the input|\bN \`?inputs\`? tokens`),
  pattern(String.raw`(?:you requested|resulted in|requested)(?: about| a total of)?:? N(?! output)`),
  pattern(String.raw`\bN tokens >|limit: N \+`),
  pattern(
    String.raw`(?:contains|token count(?: of| is)?|current length is|too long:|prompt is|request|(?<!generation )length) ?\(?(?:of )?N\b`,
  ),
];

/** The answer, as a part of the requested size. */
const answer = pattern(String.raw`N (?:tokens )?(?:(?:in|for) the (?:completion|output)|for  the completion)`);

/** A smaller number is no limit of a model. */
const LEAST_LIMIT = 128;

/** `error`: the error of the body. Null if it names no limit. */
export function readNamedLimit(error: unknown, message: string): NamedLimit | null {
  const fields = isObject(error) ? error : {};
  const limit = numberOf(fields['n_ctx']) ?? firstOf(limits, message);
  if (limit === null || limit < LEAST_LIMIT) return null;
  const counted = numberOf(fields['n_prompt_tokens']) ?? firstOf(inputs, message);
  if (counted === null) return { limit, input: null };
  // A total that holds the answer.
  const ofAnswer = firstOf([answer], message) ?? 0;
  const isTotal = counted > ofAnswer && !/input tokens|from the input/i.test(message);
  return { limit, input: isTotal ? counted - ofAnswer : counted };
}

function firstOf(patterns: readonly RegExp[], message: string): number | null {
  for (const each of patterns) {
    const found = each
      .exec(message)
      ?.slice(1)
      .find((group) => group !== undefined);
    if (found !== undefined) return numberOf(Number(found.replaceAll(/[,_]/g, '')));
  }
  return null;
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : null;
}
