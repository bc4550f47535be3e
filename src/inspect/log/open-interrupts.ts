/**
 * Reads a conversation's open interrupts from the log: approvals of calls, and requests of MCP servers. Reads only the
 * rows of open turns, and activates no conversation.
 */
import { openInterrupt } from '../../../machines/conversation/rows/approval-rows.ts';
import { foldLog } from '../../../machines/conversation/rows/recovery-state.ts';
import type { ConversationRef } from '../../conversation-ref.ts';
import type { Store } from '../../store/port.ts';
import { redacted, type RedactionLimits } from '../redaction.ts';

/** An interrupt without a response. */
export interface OpenInterrupt {
  interrupt_id: string;
  /** `approval`: of a call. `sampling`: of a server's request to the model. `form` and `url`: a server's elicitation. */
  kind: 'approval' | 'sampling' | 'form' | 'url';
  /** Its row in the log, which has the whole content. */
  seq: number;
  call_id: string;
  /** The tool's name for the model, then its name on the MCP server. */
  name: string;
  tool_name: string;
  server: string;
  /** Ms since the epoch. */
  since_ms: number;
  until_ms: number;
  /** A bounded copy of the arguments, or of the server's request. Null if content is not included. */
  content: unknown;
}

/** The store, and what viewers may see. */
export interface InterruptDeps {
  store: Pick<Store, 'load'>;
  limits: RedactionLimits;
}

/** Resolves in the order of the calls. Empty for an unknown conversation. Rejects if the log cannot be read. */
export async function readOpenInterrupts(
  { owner, conversationId }: ConversationRef,
  { store, limits }: InterruptDeps,
): Promise<OpenInterrupt[]> {
  const { rows, open } = await store.load(owner, conversationId, 0);
  const { interrupted } = foldLog(
    rows,
    open.map(({ requestId }) => requestId),
    Date.now(),
  );
  return (interrupted?.open ?? []).flatMap((call): OpenInterrupt[] => {
    const asking = openInterrupt(call);
    const row = rows.find(({ id }) => id === asking?.interruptId);
    if (asking === null || row === undefined) return [];
    const { name, server, tool_name: toolName, arguments: args } = row.extra;
    const ask = call.question?.ask;
    return [
      {
        interrupt_id: asking.interruptId,
        kind: ask === undefined ? 'approval' : ask.kind === 'roots' ? 'form' : ask.kind,
        seq: row.seq,
        call_id: call.request.id,
        name: String(name),
        tool_name: String(toolName),
        server: String(server),
        since_ms: Date.parse(row.timestamp),
        until_ms: asking.untilMs,
        content: limits.includeContent ? redacted(ask ?? args, limits) : null,
      },
    ];
  });
}
