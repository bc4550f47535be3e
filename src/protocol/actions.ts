/**
 * Defines the table of actions: the schemas of the payload and the result of each. The decoder, the map of handlers, the
 * client's types, docs/reference/protocol.md and the JSON Schema are derived from it.
 */
import { z } from 'zod';
import type { ActionEntry, ProtocolLimits } from './action-entry.ts';
import { conversationActions } from './conversation-actions.ts';
import { mcpActions } from './mcp-actions.ts';
import { turnActions } from './turn-actions.ts';

/** The server checks payloads. It does not check the results that it sends; the tests do. */
export const actions = {
  ...turnActions,
  ...conversationActions,
  ...mcpActions,
  ping: {
    payload: () => z.object({}).describe('Checks that the server responds.'),
    result: z.strictObject({}),
  },
} satisfies Record<string, ActionEntry>;

type Actions = typeof actions;

/** The name of an action. */
export type Action = keyof Actions;

/** The validated payload of an action. */
export type Payload<Name extends Action> = z.output<ReturnType<Actions[Name]['payload']>>;

/** A decoded request. Without a type argument: of any action. */
export type Request<Name extends Action = Action> = {
  [Each in Name]: { action: Each; requestId: string; payload: Payload<Each> };
}[Name];

/** The result of each action; `chat` has none. */
export type Results = {
  [Name in Action as Actions[Name]['result'] extends z.ZodType ? Name : never]: z.infer<Actions[Name]['result']>;
};

/** The result of any action. */
export type Result = Results[keyof Results];

/** The schemas of all results, by action. */
export const resultSchemas: ReadonlyMap<string, z.ZodType<Result>> = new Map(
  Object.entries(actions).flatMap(([name, { result }]) => (result === null ? [] : [[name, result] as const])),
);

/** The schemas of all payloads, by action. */
export function payloadSchemas(limits: ProtocolLimits): ReadonlyMap<string, z.ZodType> {
  return new Map(Object.entries<ActionEntry>(actions).map(([name, { payload }]) => [name, payload(limits)]));
}
