/**
 * Runs a tool call: makes the call, measures it, sends progress to the followers, and reports its end exactly once.
 * The chart handles timeouts and cancels.
 */
import { fromCallback } from 'xstate';
import { NO_ANSWER } from '../../../machines/conversation/decisions/question-plan.ts';
import type {
  Resumption,
  ServerAnswer,
  ServerRequest,
  TaskHandle,
} from '../../../machines/conversation/question-types.ts';
import type {
  CallAbort,
  CallAnswered,
  CallEnded,
  CallSuspended,
  CallTask,
  CallTaskStored,
  CallProgress,
  CallServerRequest,
  ToolCallInput,
} from '../../../machines/tool-call-types.ts';
import { timeLeftMs } from '../../../machines/tool-call.ts';
import type { FairKey } from '../../scheduling/fair-semaphore.ts';
import type { CallEnd, Progress, McpServers } from '../../mcp/port.ts';
import type { LogEntry } from '../../mcp/content/server-log.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { Delivery } from '../../delivery/port.ts';
import type { Chunk } from '../../protocol/chunks.ts';
import { chunkFrame } from '../../protocol/frames.ts';

/** The parts that the actor uses. */
export interface CallToolDeps {
  mcpServers: Pick<McpServers, 'call' | 'followTask' | 'cancelTask'>;
  delivery: Pick<Delivery, 'broadcast'>;
  metrics: Pick<Metrics, 'toolEnded'>;
  /** Questions to people that one call may ask. Read at each question. */
  maxQuestions: number;
}

/** Longest progress text, because the server may send any length. */
const MAX_PROGRESS_CHARS = 1000;
/** Least time between two progress frames in ms. People read no faster, and a server may report in microseconds. */
const PROGRESS_GAP_MS = 20;
/** Most log lines of one call for its followers. The server's log has all of them. */
const MAX_LOG_LINES = 100;
/** Number of progress events to the chart within one timeout. */
const PROGRESS_PER_TIMEOUT = 10;

/**
 * The logic provided as `callTool`: one actor per call. `call.abort` ends the call, which still reports `call.ended`.
 * Stopping the actor ends it too, without a report.
 */
export function createCallToolLogic(deps: CallToolDeps) {
  const { mcpServers, delivery, metrics } = deps;
  return fromCallback<CallAbort | CallAnswered | CallTaskStored, ToolCallInput>(({ input, sendBack, receive }) => {
    const abort = new AbortController();
    const startedMs = performance.now();
    let calling = true;
    const workedBeforeMs = input.resume?.workedMs ?? 0;
    /** Total time of people's answers in ms, and the start of the current wait. */
    let askedMs = 0;
    let askingSinceMs: number | null = null;
    const workedMs = () => workedBeforeMs + (askingSinceMs ?? performance.now()) - startedMs - askedMs;
    let questions = input.resume?.questions ?? 0;
    let answer: ((answer: ServerAnswer) => void) | null = null;
    /** One question at a time: the next one waits for the answer to the previous one. */
    let line: Promise<unknown> = Promise.resolve();
    /** Ends the call and answers its open question with `cancel`, so that the server's request does not stay open. */
    const giveUp = () => {
      // A call that has ended needs no abort, which would create an error with a stack trace.
      if (calling) abort.abort();
      calling = false;
      answer?.(NO_ANSWER);
    };
    const taskStored = Promise.withResolvers<void>();
    let task: TaskHandle | null = input.resume?.task ?? null;
    let isCancelled = false;
    receive((order) => {
      switch (order.type) {
        case 'call.abort':
          isCancelled = true;
          taskStored.resolve();
          return giveUp();
        case 'call.taskStored':
          return taskStored.resolve();
        case 'call.answered':
          return answer?.(order.answer);
      }
    });

    const askPerson = async (ask: ServerRequest, number: number): Promise<ServerAnswer> => {
      if (!calling) return NO_ANSWER;
      const sinceMs = performance.now();
      askingSinceMs = sinceMs;
      const answered = new Promise<ServerAnswer>((resolve) => (answer = resolve));
      sendBack({
        type: 'call.serverRequest',
        requests: [{ key: '', ask }],
        number,
        askedAtMs: Date.now(),
        workedMs: workedMs(),
      } satisfies CallServerRequest);
      const response = await answered;
      askedMs += performance.now() - sinceMs;
      askingSinceMs = null;
      return response;
    };
    const ask = (asked: ServerRequest): Promise<ServerAnswer> | null => {
      if (questions >= deps.maxQuestions) return null;
      questions += 1;
      const number = questions;
      const answered = line.then(() => askPerson(asked, number));
      line = answered;
      return answered;
    };

    const send = (chunk: Chunk) => delivery.broadcast(input, chunkFrame(input, chunk));
    let reportedMs = -Infinity;
    let sentMs = -Infinity;
    const onProgress = ({ progress, total, message }: Progress) => {
      const nowMs = performance.now();
      if (nowMs - reportedMs >= input.timeoutMs / PROGRESS_PER_TIMEOUT) {
        reportedMs = nowMs;
        sendBack({ type: 'call.progress', workedMs: workedMs() } satisfies CallProgress);
      }
      if (nowMs - sentMs < PROGRESS_GAP_MS) return;
      sentMs = nowMs;
      send({
        type: 'tool_progress',
        call_id: input.callId,
        progress,
        ...(total === undefined ? {} : { total }),
        data: (message ?? '').slice(0, MAX_PROGRESS_CHARS).toWellFormed(),
      });
    };
    let logged = 0;
    const onLog = ({ level, text }: LogEntry) => {
      logged += 1;
      if (logged <= MAX_LOG_LINES)
        send({
          type: 'notice',
          kind: 'server_log',
          server: input.tool.server,
          call_id: input.callId,
          level,
          data: text,
        });
    };

    const place: FairKey = [input.owner, input.conversationId, input.callId];
    const options = {
      signal: abort.signal,
      timeoutMs: timeLeftMs(input, workedBeforeMs),
      taskTimeoutMs: input.taskTimeoutMs,
      onProgress,
      onLog,
      requestInput: ask,
    };
    const follow = (resume: Resumption & { task: TaskHandle }, isFresh: boolean) =>
      mcpServers.followTask(input.tool.server, { ...options, timeoutMs: input.timeoutMs, resume, isFresh });

    /** Makes the call, or goes on with its task. The handle of a new task is in the log before anything waits for it. */
    const run = async (): Promise<CallEnd> => {
      const { resume } = input;
      if (resume?.task) return follow({ ...resume, task: resume.task }, false);
      const end = await mcpServers.call(input.tool, input.arguments, { ...options, place, resume });
      if (end.status !== 'task') return end;
      ({ task } = end);
      sendBack({ type: 'call.task', task, workedMs: Math.round(workedMs()) } satisfies CallTask);
      await taskStored.promise;
      const questions = resume?.questions ?? 0;
      return follow({ requestState: null, answered: [], questions, workedMs: 0, task }, true);
    };

    void run()
      .then(async (end) => {
        calling = false;
        // A stopped actor leaves the task running: the next start of Parley goes on with it.
        if (isCancelled && task && end.status !== 'ok' && end.status !== 'error')
          await mcpServers.cancelTask(input.tool.server, task.id);
        return end;
      })
      .then((end) => {
        if (end.status === 'suspended' && !abort.signal.aborted) {
          const { inputRequests: requests } = end;
          const resume = { ...end.resume, workedMs: Math.round(workedMs()) };
          sendBack({
            type: 'call.suspended',
            requests,
            resume,
            number: resume.questions,
            askedAtMs: Date.now(),
          } satisfies CallSuspended);
          return;
        }
        const durationMs = performance.now() - startedMs;
        const ended: CallEnded = { type: 'call.ended', ...ending(end), durationMs: Math.round(durationMs) };
        metrics.toolEnded(input.tool.server, end.status, durationMs / 1000);
        sendBack(ended);
      });

    return giveUp;
  });
}

/** A call that never reached its server is an error. The model may repeat it. */
function ending(end: CallEnd): Pick<CallEnded, 'status' | 'text' | 'content'> {
  switch (end.status) {
    case 'ok':
    case 'error':
      return { ...end, text: end.text.toWellFormed() };
    // Suspended, or made a task, after it was cancelled.
    case 'suspended':
    case 'task':
    case 'cancelled':
      return { status: 'cancelled', text: '', content: null };
    case 'not_sent':
      return { status: 'error', text: end.text, content: null };
    case 'lost':
      return { status: 'lost', text: end.text, content: null };
  }
}
