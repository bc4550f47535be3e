/**
 * One call of a tool, as far as this side decides: it waits for its turn where the server is at work on as many as it
 * takes, then for a connection, and is sent once more if the server never saw it.
 */
import { acquireWithin } from '../scheduling/acquire.ts';
import { notSent } from './connection/call-end.ts';
import { connected, type Member } from './server-member.ts';
import type { CallEnd, CallOptions, CalledTool } from './calls.ts';

/** A call that has waited in vain gives up this much before its caller's own time is up: only here it is known that nothing was sent. */
const LEAD_MS = 50;

/** For the model. */
const REDEFINED =
  'The tool was not run: its server has redefined it since it was offered. Look at its description and schema as they are now, and call it again if it is still of use.';

/** Never rejects. All waiting together is bounded by `timeoutMs`. */
export async function makeCall(
  member: Member,
  tool: CalledTool,
  args: Record<string, unknown>,
  options: CallOptions,
): Promise<CallEnd> {
  const { signal, timeoutMs, place, resume } = options;
  const { block, line } = member;
  const deadline = performance.now() + timeoutMs - LEAD_MS;
  const turn = acquireWithin(line, place, { signal, withinMs: deadline - performance.now() });
  if (turn !== true && !(await turn)) {
    return signal.aborted ? { status: 'cancelled' } : notSent(block.name, 'is at work on as many calls as it may be');
  }
  try {
    // Once more if the server never saw it: its session was forgotten or its process is another one.
    for (let resends = 1; ; resends -= 1) {
      const current = member.connection ?? (await connected(member, signal, deadline - performance.now()));
      if (signal.aborted) return { status: 'cancelled' };
      if (current === null) {
        const error = member.actor?.getSnapshot().context.lastError;
        return notSent(block.name, error ? `is not available (${error})` : 'is not available');
      }
      if (resume === null && isRedefined(member, tool)) return { status: 'error', text: REDEFINED, content: null };
      const end = await current.call(tool.toolName, args, options);
      if (end.status !== 'not_sent' || resends === 0) return end;
    }
  } finally {
    line.release(place);
  }
}

function isRedefined({ catalogue }: Member, { toolName, definition }: CalledTool): boolean {
  const now = catalogue.find(({ name }) => name === toolName);
  return definition !== '' && now !== undefined && now.definition !== definition;
}
