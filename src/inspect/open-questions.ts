/**
 * Finds what a conversation asks people at present, from the log: approvals of calls, and questions of MCP servers.
 * Reads the rows of open turns alone, and opens no conversation.
 */
import { openInterrupt } from '../../machines/conversation/rows/approval.ts';
import { foldLog } from '../../machines/conversation/rows/recovery-state.ts';
import type { ConversationRef } from '../conversation-ref.ts';
import type { Store } from '../store/port.ts';
import { redacted, type RedactionLimits } from './redaction.ts';

/** A question without an answer. */
export interface OpenQuestion {
  interrupt_id: string;
  /** `approval` of a call; `sampling` is the approval of a request to the model; `form` and `url` are questions of an MCP server. */
  kind: 'approval' | 'sampling' | 'form' | 'url';
  /** Its row, which holds the question itself. */
  seq: number;
  call_id: string;
  /** The tool as the model knows it, and as its MCP server does. */
  name: string;
  tool_name: string;
  server: string;
  /** Ms since the epoch. */
  since_ms: number;
  until_ms: number;
  /** A bounded copy of the arguments, or of what the server asks; null where viewers see no texts. */
  asked: unknown;
}

export interface QuestionDeps {
  store: Pick<Store, 'load'>;
  limits: RedactionLimits;
}

/** In the order of the calls. Empty for an unknown conversation. Rejects when the log cannot be read. */
export async function openQuestions(
  { owner, conversationId }: ConversationRef,
  { store, limits }: QuestionDeps,
): Promise<OpenQuestion[]> {
  const { rows, open } = await store.load(owner, conversationId, 0);
  const { interrupted } = foldLog(
    rows,
    open.map(({ requestId }) => requestId),
    Date.now(),
  );
  return (interrupted?.open ?? []).flatMap((call): OpenQuestion[] => {
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
        asked: limits.texts ? redacted(ask ?? args, limits) : null,
      },
    ];
  });
}
