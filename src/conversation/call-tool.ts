/**
 * The actor behind a tool call: makes the call through the toolbox, measures it, passes progress on
 * to the followers, and reports its end exactly once. Timeouts and Stop are the chart's.
 */
import { fromCallback } from 'xstate';
import type { CallAbort, CallEnded, CallProgress, ToolCallInput } from '../../machines/tool-call.ts';
import type { Place } from '../fair-line.ts';
import type { LogEntry } from '../mcp/server-log.ts';
import type { CallEnd, Progress, Toolbox } from '../mcp/toolbox.ts';
import type { Metrics } from '../metrics.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Chunk } from '../protocol/chunks.ts';

export interface CallToolDeps {
  toolbox: Pick<Toolbox, 'call'>;
  outbox: Pick<Outbox, 'tell'>;
  metrics: Pick<Metrics, 'toolEnded'>;
}

/** Progress is a line to show, and its server may write anything. */
const MAX_PROGRESS_CHARS = 1000;
/** Of one call, for its followers; the server's log has all of it. */
const MAX_LOG_LINES = 100;
/** How often within its timeout the chart hears that a call gets on. */
const PROGRESS_PER_TIMEOUT = 10;

/**
 * The logic provided as `callTool`: one actor a call. Any event it gets aborts the call, which still
 * reports `call.ended`; stopping the actor aborts it too, and then nothing is reported.
 */
export function createCallToolLogic({ toolbox, outbox, metrics }: CallToolDeps) {
  return fromCallback<CallAbort, ToolCallInput>(({ input, sendBack, receive }) => {
    const abort = new AbortController();
    const startedMs = performance.now();
    let calling = true;
    receive(() => abort.abort());

    const tell = (chunk: Chunk) => outbox.tell(input, { request_id: input.requestId, status: 'chunk', conversation_id: input.conversationId, chunk });
    let heardMs = -Infinity;
    const onProgress = ({ progress, total, message }: Progress) => {
      const elapsedMs = performance.now() - startedMs;
      if (elapsedMs - heardMs >= input.timeoutMs / PROGRESS_PER_TIMEOUT) {
        heardMs = elapsedMs;
        sendBack({ type: 'call.progress', elapsedMs } satisfies CallProgress);
      }
      tell({ type: 'tool_progress', call_id: input.callId, progress, ...(total === undefined ? {} : { total }), data: (message ?? '').slice(0, MAX_PROGRESS_CHARS).toWellFormed() });
    };
    let logged = 0;
    const onLog = ({ level, text }: LogEntry) => {
      logged += 1;
      if (logged <= MAX_LOG_LINES) tell({ type: 'notice', kind: 'server_log', server: input.tool.server, call_id: input.callId, level, data: text });
    };

    const place: Place = [input.owner, input.conversationId, input.callId];
    void toolbox.call(input.tool, input.arguments, { place, signal: abort.signal, timeoutMs: input.timeoutMs, onProgress, onLog }).then((end) => {
      calling = false;
      const durationMs = performance.now() - startedMs;
      const ended: CallEnded = { type: 'call.ended', ...ending(end), durationMs: Math.round(durationMs) };
      metrics.toolEnded(input.tool.server, end.status, durationMs / 1000);
      sendBack(ended);
    });

    // A call that has ended needs no abort, which makes an error with a stack trace.
    return () => {
      if (calling) abort.abort();
    };
  });
}

/** A call that never reached its server is an error the model may repeat. */
function ending(end: CallEnd): Pick<CallEnded, 'status' | 'text' | 'content'> {
  switch (end.status) {
    case 'ok':
    case 'error':
      return { ...end, text: end.text.toWellFormed() };
    case 'cancelled':
      return { status: 'cancelled', text: '', content: null };
    case 'not_sent':
      return { status: 'error', text: end.text, content: null };
    case 'lost':
      return { status: 'lost', text: end.text, content: null };
  }
}
