/**
 * Builds tool calls in every dialect that providers use, as replies of the scripted model. A dialect changes only how
 * the calls are cut into deltas, never the calls.
 */
import { delta, done, finish, streams, text, usage, type Part, type Reply } from './replies.ts';

export interface ScriptedCall {
  name: string;
  /** An object is sent as JSON; text as it is, JSON or not; null as null. */
  arguments?: Record<string, unknown> | string | null;
  /** Default `call_0`, `call_1`, ... */
  id?: string;
}

/**
 * - `split`: OpenAI's own: id and name first, arguments in pieces, by index
 * - `whole`: each call in one delta; `together`: all calls in one delta
 * - `indexless`: whole calls without index; `indexless_split`: pieces without index, id only in the first
 * - `repeated_id`: id and name again with every piece; `same_index`: whole calls that all claim index 0
 * - `name_in_pieces`: the name comes letter by letter
 */
export const dialects = [
  'split',
  'whole',
  'together',
  'indexless',
  'indexless_split',
  'repeated_id',
  'same_index',
  'name_in_pieces',
] as const;
export type Dialect = (typeof dialects)[number];

/** An answer that requests these calls, after the text `say` if given. */
export function asks(
  calls: readonly ScriptedCall[],
  options: { dialect?: Dialect; say?: string; finish?: string } = {},
): Reply {
  const said = options.say ? text(options.say) : [];
  return streams(
    said,
    callParts(calls, options.dialect ?? 'split'),
    finish(options.finish ?? 'tool_calls'),
    usage(),
    done(),
  );
}

/** The deltas alone, for streams with another end. */
export function callParts(calls: readonly ScriptedCall[], dialect: Dialect): Part[] {
  const whole = calls.map((call, index) => ({
    index,
    id: call.id ?? `call_${index}`,
    type: 'function',
    function: { name: call.name, arguments: argumentsText(call) },
  }));
  const bare = whole.map(({ id, type, function: asked }) => ({ id, type, function: asked }));
  switch (dialect) {
    case 'together':
      return [delta({ role: 'assistant', tool_calls: whole })];
    case 'whole':
      return whole.map((call) => delta({ tool_calls: [call] }));
    case 'same_index':
      return whole.map((call) => delta({ tool_calls: [{ ...call, index: 0 }] }));
    case 'indexless':
      return bare.map((call) => delta({ tool_calls: [call] }));
    case 'indexless_split':
      return bare.flatMap((call) => [
        delta({ tool_calls: [{ ...call, function: { name: call.function.name } }] }),
        ...pieces(call.function.arguments).map((piece) => delta({ tool_calls: [{ function: { arguments: piece } }] })),
      ]);
    case 'repeated_id':
      return whole.flatMap((call) =>
        pieces(call.function.arguments).map((piece) =>
          delta({ tool_calls: [{ ...call, function: { name: call.function.name, arguments: piece } }] }),
        ),
      );
    case 'split':
      return whole.flatMap((call) => [
        delta({ tool_calls: [{ ...call, function: { name: call.function.name, arguments: '' } }] }),
        ...argumentDeltas(call),
      ]);
    case 'name_in_pieces':
      return whole.flatMap((call) => [
        delta({ tool_calls: [{ ...call, function: {} }] }),
        ...[...call.function.name].map((letter) =>
          delta({ tool_calls: [{ index: call.index, function: { name: letter } }] }),
        ),
        ...argumentDeltas(call),
      ]);
  }
}

function argumentDeltas(call: { index: number; function: { arguments: string | null } }): Part[] {
  return pieces(call.function.arguments).map((piece) =>
    delta({ tool_calls: [{ index: call.index, function: { arguments: piece } }] }),
  );
}

function argumentsText(call: ScriptedCall): string | null {
  return typeof call.arguments === 'object' && call.arguments !== null
    ? JSON.stringify(call.arguments)
    : (call.arguments ?? null);
}

/** At least one piece, so that a call without arguments is sent too. */
function pieces(text: string | null): (string | null)[] {
  return text?.match(/[^]{1,5}/gu) ?? [text];
}
