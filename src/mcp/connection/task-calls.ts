/**
 * Decides which calls of a connection ask for a task, and reports the server's notifications about tasks. Since
 * 2026-07-28 the server alone decides whether a call becomes a task.
 */
import type { Client, Tool as ListedTool } from '@modelcontextprotocol/client';
import { z } from 'zod';

/** Of 2026-07-28, and of 2025-11-25. */
const NOTIFICATIONS = new Set(['notifications/tasks', 'notifications/tasks/status']);

/** The tasks of one connection. */
export interface TaskCalls {
  /** Takes the tools that the server lists, before they are selected. */
  read(listed: readonly ListedTool[]): void;
  /** True for a server of 2025-11-25 that runs calls as tasks. */
  areDeclared(): boolean;
  /** What a call of this tool has besides its arguments. `ttl`: how long the server keeps the task, in ms. */
  params(toolName: string, ttl: number): { task?: { ttl: number } };
}

/** Registers the handler of notifications; call it before the client connects. `changed` gets the id of a task. */
export function createTaskCalls(client: Client, changed: (taskId: string) => void): TaskCalls {
  /** By the server's own names. */
  let tools: ReadonlySet<string> = new Set();
  client.fallbackNotificationHandler = async ({ method, params }) => {
    const { data: taskId } = z.string().safeParse(params?.['taskId']);
    if (taskId !== undefined && NOTIFICATIONS.has(method)) changed(taskId);
  };
  const areDeclared = () =>
    client.getProtocolEra() === 'legacy' && client.getServerCapabilities()?.tasks?.requests?.tools?.call !== undefined;

  return {
    read(listed) {
      // A task survives a restart of Parley and a lost connection, so a tool that may run as one does.
      tools = new Set(
        listed
          .filter(({ execution }) => execution?.taskSupport === 'required' || execution?.taskSupport === 'optional')
          .map(({ name }) => name),
      );
    },
    areDeclared,
    params: (toolName, ttl) => (areDeclared() && tools.has(toolName) ? { task: { ttl } } : {}),
  };
}
