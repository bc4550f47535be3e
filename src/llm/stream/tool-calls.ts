/**
 * Puts tool calls together from deltas, in every dialect that providers speak: with index or
 * without, all under index 0, ids once, in each delta, fresh in each delta or repeated by another
 * call, names in pieces, arguments as text, as an object or null. Knows nothing of the stream
 * around them. Ids serve to tell calls apart and are then dropped: Parley gives its own.
 */
import { isObject, parseJson, textOf, type JsonObject } from '../../json.ts';

/** Far above what models ask for; a provider that repeats itself must not fill the memory. */
const maxCalls = 128;
const maxArgumentChars = 4 * 1024 * 1024;

interface OpenCall {
  id: string | null;
  name: string;
  arguments: string;
  extra: JsonObject | null;
}

export interface ToolCallAssembly {
  /** Takes one delta's `tool_calls`. False: more than is allowed has come. */
  add(deltas: readonly unknown[]): boolean;
  /** The calls so far, in the order in which they began; empty arguments read `{}`. */
  calls(): { name: string; arguments: string }[];
  /** In the same order, the `extra_content` of each call; Gemini signs its calls there. */
  extras(): (JsonObject | null)[];
}

export function createToolCallAssembly(): ToolCallAssembly {
  const calls: OpenCall[] = [];
  /** The call that a delta's `index` means now; a later call may take the index over. */
  const byIndex = new Map<number, OpenCall>();
  let argumentChars = 0;

  function addOne(delta: JsonObject, position: number | null): boolean {
    const asked = isObject(delta['function']) ? delta['function'] : {};
    const id = textOf(delta['id']);
    const name = textOf(asked['name']);
    const piece = argumentText(asked['arguments']);
    const explicit = typeof delta['index'] === 'number' ? delta['index'] : null;
    const index = explicit ?? position;

    let call = index === null ? withoutIndex(calls, id, name) : byIndex.get(index);
    if (!call || beginsAnother(call, { id, name, piece, explicit })) {
      if (calls.length === maxCalls) return false;
      call = { id, name: '', arguments: '', extra: null };
      calls.push(call);
      if (index !== null) byIndex.set(index, call);
    }
    call.id ??= id;
    if (call.extra === null && isObject(delta['extra_content'])) {
      call.extra = delta['extra_content'];
      argumentChars += JSON.stringify(call.extra).length;
    }
    // A name that comes once more, or after the arguments began, is a repetition and no further piece.
    if (name !== null && name !== call.name && call.arguments === '') call.name += name;
    call.arguments += piece;
    argumentChars += piece.length;
    return argumentChars <= maxArgumentChars;
  }

  return {
    add(deltas) {
      // Several calls in one delta without index: their place in the list stands for it.
      const listed = deltas.length > 1;
      return deltas.every((delta, at) => !isObject(delta) || addOne(delta, listed ? at : null));
    },
    extras: () => calls.filter(hasContent).map(({ extra }) => extra),
    calls() {
      return calls
        .filter(hasContent)
        .map((call) => ({ name: call.name, arguments: call.arguments.trim() === '' ? '{}' : call.arguments }));
    },
  };
}

function hasContent(call: OpenCall): boolean {
  return call.name !== '' || call.arguments !== '';
}

/** The call with that id, or the last one if the delta does not introduce a call of its own. */
function withoutIndex(calls: readonly OpenCall[], id: string | null, name: string | null): OpenCall | undefined {
  if (id === null) return calls.at(-1);
  return calls.findLast((call) => call.id === id) ?? (name === null ? calls.at(-1) : undefined);
}

/** Whether a delta that was matched to `call` starts a new one all the same. Only a named delta can. */
function beginsAnother(
  call: OpenCall,
  delta: { id: string | null; name: string | null; piece: string; explicit: number | null },
): boolean {
  if (delta.name === null) return false;
  const sameId = delta.id !== null && delta.id === call.id;
  // Whole calls that all claim index 0 differ in their ids.
  if (delta.id !== null && call.id !== null && !sameId) return true;
  if (delta.explicit !== null && sameId) return false;
  return delta.piece !== '' && isObject(parseJson(call.arguments));
}

/** Some local servers send the arguments as an object. */
function argumentText(value: unknown): string {
  if (typeof value === 'string') return value;
  return isObject(value) ? JSON.stringify(value) : '';
}
