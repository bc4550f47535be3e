/** The file in which users say what their tools are to be called with, and which flows of their own they want played. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';

const args = z.record(z.string(), z.unknown()).describe('Arguments of a call.');

const expectedCall = z.strictObject({
  tool: z.string(),
  status: z.enum(['ok', 'error', 'denied', 'cancelled', 'timed_out', 'outcome_unknown', 'limit']).optional(),
  /** A piece of its text. */
  result: z.string().optional(),
});

const flow = z.strictObject({
  name: z.string(),
  /** What the user says. */
  prompt: z.string().default('Go on, please.'),
  /** What the scripted model does, hop by hop; it ends with words. */
  model: z.array(z.union([
    z.strictObject({ calls: z.array(z.strictObject({ tool: z.string(), arguments: args.optional() })).min(1) }),
    z.strictObject({ says: z.string() }),
  ])).min(1),
  /** What a person answers when asked. */
  person: z.enum(['approve', 'deny']).default('approve'),
  expect: z.strictObject({
    /** In the order of their ends. */
    calls: z.array(expectedCall).optional(),
    finish_reason: z.string().optional(),
    /** Each a piece of what the model is sent: of the system prompt, of results. */
    model_sees: z.array(z.string()).optional(),
  }).prefault({}),
});

const file = z.strictObject({
  /** By the name that the model is offered. */
  tools: z.record(z.string(), z.strictObject({
    /** In place of those made from its schema. */
    arguments: args.optional(),
    /** Whether it is called at all; by default only if its server says that it is read-only. */
    call: z.boolean().optional(),
    /** Of its calls in the flows that the chart gives, as far as they are answered. */
    expect: z.strictObject({ status: z.enum(['ok', 'error']).optional(), result: z.string().optional() }).optional(),
  })).default({}),
  flows: z.array(flow).default([]),
});

export type FlowsFile = z.infer<typeof file>;
export type WrittenFlow = z.infer<typeof flow>;
export type ExpectedCall = z.infer<typeof expectedCall>;

/** Without a path: nothing but what the chart gives. Rejects with all that is wrong with the file. */
export async function readFlowsFile(path: string | undefined): Promise<FlowsFile> {
  const read = file.safeParse(path === undefined ? {} : parse(await readFile(path, 'utf8')));
  if (!read.success) throw new Error(`${path} is no file of flows:\n${z.prettifyError(read.error)}`);
  return read.data;
}
