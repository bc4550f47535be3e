/** Reads the file of flows: the arguments of the user's tools, and the user's own flows. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { readDocument } from '../../../src/config/document.ts';
import { listProblems, schemaProblems } from '../../../src/config/problems.ts';
import { closest } from '../../../src/config/suggest.ts';

const args = z.record(z.string(), z.unknown()).describe('Arguments of a call.');

const expectedCall = z.strictObject({
  tool: z.string(),
  status: z.enum(['ok', 'error', 'denied', 'cancelled', 'timed_out', 'outcome_unknown', 'limit']).optional(),
  /** Part of its text. */
  result: z.string().optional(),
});

const flow = z.strictObject({
  name: z.string(),
  /** The user's message. */
  prompt: z.string().default('Go on, please.'),
  /** Actions of the scripted model, hop by hop. The last one is a text. */
  model: z
    .array(
      z
        .union([
          z.strictObject({ calls: z.array(z.strictObject({ tool: z.string(), arguments: args.optional() })).min(1) }),
          z.strictObject({ says: z.string() }),
        ])
        .meta({ allowed: 'calls, a list of {tool, arguments}, or says, a text' }),
    )
    .min(1)
    .meta({ allowed: 'a list of at least one entry, each with calls or says' }),
  /** A person's answer to approval requests. */
  person: z.enum(['approve', 'deny']).default('approve'),
  expect: z
    .strictObject({
      /** In the order in which the calls end. */
      calls: z.array(expectedCall).optional(),
      finish_reason: z.string().optional(),
      /** Parts of what the model is sent: of the system prompt or of results. */
      model_sees: z.array(z.string()).optional(),
    })
    .prefault({}),
});

const file = z.strictObject({
  /** By the name that the model is offered. */
  tools: z
    .record(
      z.string(),
      z.strictObject({
        /** Replaces arguments generated from the schema. */
        arguments: args.optional(),
        /** Whether it is called at all. By default only if its server declares it read-only. */
        call: z.boolean().optional(),
        /** Expectation for its calls in generated flows, as far as they are answered. */
        expect: z
          .strictObject({ status: z.enum(['ok', 'error']).optional(), result: z.string().optional() })
          .optional(),
      }),
    )
    .default({}),
  flows: z.array(flow).default([]),
});

export type FlowsFile = z.infer<typeof file>;
export type WrittenFlow = z.infer<typeof flow>;
export type ExpectedCall = z.infer<typeof expectedCall>;

/** Reads the file; without a path it is empty. Rejects with all problems of the file and their lines. */
export async function readFlowsFile(path: string | undefined): Promise<FlowsFile> {
  if (path === undefined) return file.parse({});
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(
      `The file of flows ${path} ${error.code === 'ENOENT' ? 'does not exist' : `cannot be read (${error.code})`}.`,
      { cause: error },
    );
  });
  const document = readDocument(text, null);
  const read = file.safeParse(document.values ?? {});
  const problems = [
    ...document.problems,
    ...(read.error ? schemaProblems(read.error.issues, document, z.toJSONSchema(file, { io: 'input' })) : []),
  ];
  if (!read.success || problems.length > 0) throw new Error(listProblems('The file of flows', path, problems));
  return read.data;
}

/**
 * Throws for a name under `tools` that no server offers, because its entry would have no effect. In a flow a model may
 * call a tool that does not exist, so there only a near miss of an offered name is rejected.
 */
export function checkToolNames({ tools, flows }: FlowsFile, offered: readonly string[]): void {
  const called = flows.flatMap(({ model, expect }) =>
    [...model.flatMap((said) => ('calls' in said ? said.calls : [])), ...(expect.calls ?? [])].map(({ tool }) => tool),
  );
  const problems = [...new Set([...Object.keys(tools), ...called])].flatMap((name) => {
    if (offered.includes(name) || (!(name in tools) && closest(name, offered) === null)) return [];
    return [notOffered(name, offered)];
  });
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

/** Formats the sentence for a tool that no server offers. */
export function notOffered(name: string, offered: readonly string[]): string {
  const expected = closest(name, offered);
  return `No server offers the tool "${name}"; ${expected === null ? `offered: ${offered.join(', ') || 'none'}.` : `did you mean "${expected}"?`}`;
}
