/**
 * Assembles tool calls from deltas, in every dialect of the providers: with index or without, all under index 0, ids once, in
 * each delta, new in each delta or repeated by another call, names in pieces, arguments as text, as an object or null. Ids
 * only distinguish calls and are then dropped: Parley assigns its own.
 */
import { MAX_ARGUMENT_LEVELS, isDeeperThan, isObject, textOf, type JsonObject } from '../../json.ts';
import { createCallArguments, type CallArguments } from './call-arguments.ts';

/** Far above what models request. A provider that loops must not fill the memory. */
const maxCalls = 128;
/** Of all names, arguments and extras. */
const maxChars = 4 * 1024 * 1024;

interface OpenCall {
  id: string | null;
  name: string;
  arguments: CallArguments;
  extra: JsonObject | null;
}

/** The calls of one answer. */
export interface ToolCallAssembly {
  /** Adds the `tool_calls` of one delta. False: the limit is exceeded. */
  add(deltas: readonly unknown[]): boolean;
  /** The calls so far, in the order of their first deltas. Empty arguments become `{}`. */
  calls(): { name: string; arguments: string }[];
  /** The `extra_content` of each call, in the same order. Gemini signs its calls there. */
  extras(): (JsonObject | null)[];
}

/** Starts empty, for one answer. */
export function createToolCallAssembly(): ToolCallAssembly {
  const calls: OpenCall[] = [];
  /** The current call of each `index`. A later call may reuse an index. */
  const byIndex = new Map<number, OpenCall>();
  let chars = 0;

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
      call = { id, name: '', arguments: createCallArguments(), extra: null };
      calls.push(call);
      if (index !== null) byIndex.set(index, call);
    }
    call.id ??= id;
    if (call.extra === null && isObject(delta['extra_content'])) {
      call.extra = delta['extra_content'];
      chars += JSON.stringify(call.extra).length;
    }
    // A name that comes again, or after the arguments began, is a repetition, not another piece.
    if (name !== null && name !== call.name && call.arguments.isEmpty) {
      call.name += name;
      chars += name.length;
    }
    call.arguments.add(piece);
    chars += piece.length;
    return chars <= maxChars;
  }

  return {
    add(deltas) {
      // Several calls in one delta without index: their position in the list is the index.
      const listed = deltas.length > 1;
      return deltas.every((delta, at) => !isObject(delta) || addOne(delta, listed ? at : null));
    },
    extras: () => calls.filter(hasContent).map(({ extra }) => extra),
    calls() {
      return calls.filter(hasContent).map((call) => ({ name: call.name, arguments: call.arguments.text() }));
    },
  };
}

function hasContent(call: OpenCall): boolean {
  return call.name !== '' || !call.arguments.isEmpty;
}

/** The call with that id, or the last call if the delta does not begin a new one. */
function withoutIndex(calls: readonly OpenCall[], id: string | null, name: string | null): OpenCall | undefined {
  if (id === null) return calls.at(-1);
  return calls.findLast((call) => call.id === id) ?? (name === null ? calls.at(-1) : undefined);
}

/** Whether a delta that matches `call` begins a new call nevertheless. Only a delta with a name can. */
function beginsAnother(
  call: OpenCall,
  delta: { id: string | null; name: string | null; piece: string; explicit: number | null },
): boolean {
  if (delta.name === null) return false;
  const sameId = delta.id !== null && delta.id === call.id;
  // Whole calls that all have index 0 differ in their ids.
  if (delta.id !== null && call.id !== null && !sameId) return true;
  if (delta.explicit !== null && sameId) return false;
  return delta.piece !== '' && call.arguments.isObject();
}

/** Some local servers send the arguments as an object. Null, which is invalid, stands for one that cannot be serialized. */
function argumentText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (!isObject(value)) return '';
  return isDeeperThan(value, MAX_ARGUMENT_LEVELS) ? 'null' : JSON.stringify(value);
}
