/**
 * Finds the tasks at MCP servers whose calls end without their result. The chart has the servers cancel them. Pure.
 */
import type { InterruptedTurn, OpenCall } from '../turn-state.ts';

/** The task of a call that ends, as the effect that cancels it. */
export interface AbandonedTask {
  type: 'task.abandoned';
  server: string;
  taskId: string;
}

const abandoned = (server: string, taskId: string | undefined): AbandonedTask[] =>
  taskId === undefined ? [] : [{ type: 'task.abandoned', server, taskId }];

/** The tasks of calls without an actor, such as a call that waits for a person. The actor of a running call cancels its own task. */
export function tasksWithoutActor(calls: readonly OpenCall[]): AbandonedTask[] {
  return calls
    .filter(({ stage }) => !['running', 'settled', 'recorded'].includes(stage))
    .flatMap(({ tool, resume, question }) => abandoned(tool.server, (question?.resume ?? resume)?.task?.id));
}

/** The tasks of calls that a person's denial of a sampling request has ended. MCP has no answer for a denial. */
export function deniedTasks(answered: readonly OpenCall[]): AbandonedTask[] {
  return answered
    .filter(({ stage }) => stage === 'settled')
    .flatMap(({ tool, question }) => abandoned(tool.server, question?.resume?.task?.id));
}

/** The tasks of an interrupted turn that does not go on. */
export function tasksOfEndedTurn({ open }: InterruptedTurn): AbandonedTask[] {
  return open.flatMap(({ dispatch, question }) =>
    dispatch ? abandoned(dispatch.tool.server, (question?.resume ?? dispatch.resume)?.task?.id) : [],
  );
}
