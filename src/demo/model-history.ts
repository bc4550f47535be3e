/**
 * Reads a chat completion request as a conversation, for the demo model. Like any model, it remembers only what the
 * request contains.
 */
import { z } from 'zod';

const content = z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))]).nullish();

/** The part of a request's body that the demo reads. */
export const demoRequest = z.object({
  model: z.string(),
  messages: z.array(
    z.object({
      role: z.string(),
      content,
      tool_calls: z
        .array(z.object({ id: z.string(), function: z.object({ name: z.string(), arguments: z.string() }) }))
        .optional(),
      tool_call_id: z.string().optional(),
    }),
  ),
  tools: z
    .array(
      z.object({
        function: z.object({
          name: z.string(),
          description: z.string().default(''),
          parameters: z
            .looseObject({ properties: z.record(z.string(), z.unknown()).default({}) })
            .default({ properties: {} }),
        }),
      }),
    )
    .default([]),
});

/** The part of a request that the demo reads. */
export type DemoRequest = z.infer<typeof demoRequest>;

/** A tool as offered. */
export interface OfferedTool {
  name: string;
  description: string;
  /** Names of its parameters, in the schema's order. */
  parameters: readonly string[];
}

/** A tool call of the running turn with its result. */
export interface ToolOutcome {
  name: string;
  arguments: string;
  result: string;
}

/** What the request says about the conversation. */
export interface DemoConversation {
  /** The latest user message. */
  question: string;
  /** Earlier user messages, oldest first. */
  earlier: readonly string[];
  tools: readonly OfferedTool[];
  /** Hops with tool calls since the question. */
  hopsDone: number;
  /** All outcomes since the question, in call order. */
  outcomes: readonly ToolOutcome[];
}

/** Reads a request for chat completions as the demo model needs it: the last question and what has happened since. */
export function readConversation({ messages, tools }: DemoRequest): DemoConversation {
  const asked = messages.findLastIndex((message) => message.role === 'user');
  const turn = messages.slice(asked + 1);
  const said = messages.filter((message) => message.role === 'user').map((message) => textOf(message.content));
  const results = new Map(turn.map((message) => [message.tool_call_id, textOf(message.content)]));
  const hops = turn.filter((message) => message.tool_calls !== undefined && message.tool_calls.length > 0);
  return {
    question: said.at(-1) ?? '',
    earlier: said.slice(0, -1),
    tools: tools.map(({ function: { name, description, parameters } }) => ({
      name,
      description,
      parameters: Object.keys(parameters.properties),
    })),
    hopsDone: hops.length,
    outcomes: hops
      .flatMap((message) => message.tool_calls ?? [])
      .map((call) => ({ ...call.function, result: results.get(call.id) ?? '' })),
  };
}

function textOf(value: z.infer<typeof content>): string {
  if (typeof value === 'string') return value;
  return (value ?? []).map((part) => part.text ?? '').join('\n');
}
