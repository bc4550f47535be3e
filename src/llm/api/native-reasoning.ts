/**
 * Keeps the reasoning of the protocols that sign or encrypt it, and gives it back only to the provider and the model that
 * wrote it: others reject it. Each item remembers how many calls of its answer came before it, because the order counts.
 */
import { isObject, type JsonObject } from '../../json.ts';
import type { MessageWithImages } from '../message-images.ts';
import type { Asked, ApiName } from './wire-api.ts';

/** A reasoning item or thinking block, as the provider sent it. */
export interface NativeItem {
  /** Number of calls of the same answer before it. */
  before: number;
  item: JsonObject;
}

/** The reasoning of one answer, in the `signatures` of its row. */
export interface NativeReasoning {
  api: ApiName;
  provider: string;
  /** The model that was asked. */
  model: string;
  items: readonly NativeItem[];
}

/** The items before call number `before` of a message. Empty if another provider, model or protocol wrote them. */
export function itemsBefore(
  message: MessageWithImages,
  api: ApiName,
  { provider, model }: Asked,
): (before: number) => readonly JsonObject[] {
  const signatures = message.role === 'assistant' ? message.reasoning?.signatures : null;
  const native = isObject(signatures) ? signatures['native'] : null;
  const isOwn =
    isObject(native) && native['api'] === api && native['provider'] === provider && native['model'] === model;
  const items = isOwn && Array.isArray(native['items']) ? native['items'].filter(isObject) : [];
  return (before) =>
    items.flatMap((entry) => (entry['before'] === before && isObject(entry['item']) ? [entry['item']] : []));
}
