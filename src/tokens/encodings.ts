/**
 * Finds the encoding of a model, and loads its ranks: all that is used of js-tiktoken. Loading ranks parses megabytes, so
 * only a worker thread does it.
 */
import { getEncodingNameForModel } from 'js-tiktoken/lite';
import type { TiktokenEncoding } from 'js-tiktoken/lite';
import type { RankSource } from './ranks.ts';

/** An encoding that js-tiktoken has. */
export type EncodingName = TiktokenEncoding;

/** The package's newest encoding: the closest to models of other vendors and to later models. */
const defaultEncoding: EncodingName = 'o200k_base';

/** The package types its argument as the list of known models. A method type accepts any model. */
const known: { encodingOf(model: string): EncodingName } = { encodingOf: getEncodingNameForModel };

/** `model` as the configuration names it, with or without a router's vendor prefix (`openai/gpt-4`). */
export function encodingForModel(model: string): EncodingName {
  try {
    return known.encodingOf(model.slice(model.lastIndexOf('/') + 1));
  } catch {
    return defaultEncoding;
  }
}

const rankModules = {
  gpt2: () => import('js-tiktoken/ranks/gpt2'),
  r50k_base: () => import('js-tiktoken/ranks/r50k_base'),
  p50k_base: () => import('js-tiktoken/ranks/p50k_base'),
  p50k_edit: () => import('js-tiktoken/ranks/p50k_edit'),
  cl100k_base: () => import('js-tiktoken/ranks/cl100k_base'),
  o200k_base: () => import('js-tiktoken/ranks/o200k_base'),
} as const satisfies Record<EncodingName, () => Promise<{ default: RankSource }>>;

/** Rejects only if the package is broken. */
export async function loadRankSource(encoding: EncodingName): Promise<RankSource> {
  return (await rankModules[encoding]()).default;
}
