/**
 * Takes one step in following a task: sends the answers that are due, reads the state, and says how the call goes on.
 * It never waits for the task: the caller (src/mcp/task-follower.ts) decides when to take the next step.
 */
import type { AnsweredRequest, Resumption, TaskHandle } from '../../../machines/conversation/question-types.ts';
import type { ClientFeatures, SamplingUse } from '../server-requests/client-features.ts';
import type { CallEnd } from '../port.ts';
import { endOfResult } from './call-end.ts';
import { inputResponses, sortRequests, type RoundLimits } from './call-rounds.ts';
import type { TaskRequests } from './task-requests.ts';

/** A call whose server runs a task. */
export type TaskResumption = Resumption & { task: TaskHandle };

/** `resume`: what the next step goes on with. `message`: the server's words about the task, for people. */
export type TaskStep = { end: CallEnd } | { resume: TaskResumption; message: string };

/** The connection's parts that a task uses. */
export interface FollowDeps {
  server: string;
  requests: TaskRequests;
  clientFeatures: ClientFeatures;
  limits: RoundLimits & { maxResultTokens: number; maxImageBytes: number };
}

const GONE = 'The call was made, and its result is lost. It may have taken effect: check before you repeat it.';

/** Rejects with the SDK's errors. A step may be repeated: the server ignores answers that it has. */
export async function stepTask(
  { server, requests, clientFeatures, limits }: FollowDeps,
  resume: TaskResumption,
  used: SamplingUse,
  signal: AbortSignal,
): Promise<TaskStep> {
  const failed = (text: string): TaskStep => ({ end: { status: 'error', text, content: null } });
  const answered = await sendAnswers(requests, clientFeatures, resume, used, signal);
  const { task } = answered;
  const state = await requests.state(task.id, signal);
  switch (state.status) {
    case 'completed':
      return { end: endOfResult(state.result, limits) };
    case 'failed':
      return failed(`The task at the MCP server "${server}" failed${reason(state.message)}`);
    case 'cancelled':
      return failed(
        `The MCP server "${server}" has cancelled the task of this call${reason(state.message)} It may have taken effect in part.`,
      );
    case 'gone':
      return failed(
        `The MCP server "${server}" does not know the task of this call any more${reason(state.message)} ${GONE}`,
      );
    case 'working':
      return { resume: withInterval(answered, state.pollIntervalMs), message: state.message };
    case 'input_required': {
      const open = Object.entries(state.inputRequests).filter(([key]) => !task.answeredKeys.includes(key));
      const asked = withInterval(answered, state.pollIntervalMs);
      const sorted = sortRequests(Object.fromEntries(open), asked, { clientFeatures, limits }, used);
      const next = { ...asked, answered: sorted.answered };
      if (sorted.forPeople.length === 0) return { resume: next, message: '' };
      return {
        end: {
          status: 'suspended',
          inputRequests: sorted.forPeople,
          resume: { ...next, questions: next.questions + 1 },
        },
      };
    }
  }
}

const reason = (message: string) => (message === '' ? '.' : `: ${message.replace(/[.!?]$/, '')}.`);

function withInterval(resume: TaskResumption, pollIntervalMs: number | null): TaskResumption {
  return { ...resume, task: { ...resume.task, pollIntervalMs: pollIntervalMs ?? resume.task.pollIntervalMs } };
}

/** Returns what remains: the keys of the answers are remembered, because the server may list their requests for a while. */
async function sendAnswers(
  requests: TaskRequests,
  clientFeatures: ClientFeatures,
  resume: TaskResumption,
  used: SamplingUse,
  signal: AbortSignal,
): Promise<TaskResumption> {
  const { answered, task } = resume;
  if (answered.length === 0) return resume;
  await requests.answer(task.id, await inputResponses(answered, clientFeatures, used, signal), signal);
  const keys = answered.map(({ key }: AnsweredRequest) => key);
  return { ...resume, answered: [], task: { ...task, answeredKeys: [...task.answeredKeys, ...keys] } };
}
