/**
 * Repairs arguments whose type a model got wrong: a number, a boolean, an object or an array that it wrote as text, and null
 * for an optional property. Only what the schema rejects is changed, and only if the schema accepts the change. Pure.
 */
import { isObject, parseJson, valueAt } from '../../json.ts';

/** The places that a check names for rejected arguments, the deepest last. Null for valid arguments. */
export type FindMisfits = (args: Record<string, unknown>) => readonly (readonly string[])[] | null;

/** Values that one call may have as text. Each takes a further check. */
const MAX_REPAIRS = 64;

/** The arguments with all repairs that can be made, and whether they fit the schema then. */
export function coerceArguments(
  args: Record<string, unknown>,
  findMisfits: FindMisfits,
): { repaired: Record<string, unknown>; fits: boolean } {
  let repaired = args;
  let places = findMisfits(repaired);
  for (let repairs = 0; places !== null; repairs += 1) {
    const next = repairs < MAX_REPAIRS ? repairOne(repaired, places, findMisfits) : null;
    if (next === null) return { repaired, fits: false };
    ({ repaired, places } = next);
  }
  return { repaired, fits: true };
}

function repairOne(args: Record<string, unknown>, places: readonly (readonly string[])[], findMisfits: FindMisfits) {
  for (const place of places.toReversed()) {
    const written = valueAt(args, place);
    const value = readText(written);
    if (value === undefined && written !== null) continue;
    const repaired = written === null ? withoutProperty(args, place) : withValue(args, place, value);
    const left = isObject(repaired) ? findMisfits(repaired) : null;
    // What is left must be elsewhere, or the value was meant as text.
    if (isObject(repaired) && (left === null || !left.some((each) => isWithin(each, place))))
      return { repaired, places: left };
  }
  return null;
}

/** The value that a text is certain to stand for. Undefined for every other text. */
function readText(text: unknown): unknown {
  if (typeof text !== 'string') return undefined;
  // As Python writes it.
  if (/^(?:true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  const value = parseJson(text);
  // A larger integer would become another number.
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value) ? undefined : value;
  return typeof value === 'object' && value !== null ? value : undefined;
}

function withValue(root: unknown, [key, ...below]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  if (Array.isArray(root))
    return root.map((item: unknown, index) => (String(index) === key ? withValue(item, below, value) : item));
  return isObject(root) ? { ...root, [key]: withValue(root[key], below, value) } : root;
}

/** The root without a property of an object. Items of lists keep their places, so they stay. */
function withoutProperty(root: unknown, place: readonly string[]): unknown {
  const key = place.at(-1);
  const above = place.slice(0, -1);
  const owner = valueAt(root, above);
  if (key === undefined || !isObject(owner)) return root;
  const { [key]: _null, ...rest } = owner;
  return withValue(root, above, rest);
}

function isWithin(place: readonly string[], outer: readonly string[]): boolean {
  return outer.every((key, index) => place[index] === key);
}
