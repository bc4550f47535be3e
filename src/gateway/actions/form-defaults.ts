/**
 * Adds the defaults of an elicitation form (MCP 2025-11-25) for fields that the person left out. Pure.
 */
import { z } from 'zod';
import type { FormContent } from '../../../machines/conversation/client-events.ts';

const value = z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]);
const property = z.object({ default: value });
const form = z.object({ properties: z.record(z.string(), z.unknown()) });

/** `given`, and for missing fields the defaults of the schema, which is a flat object. */
export function withDefaults(schema: Record<string, unknown>, given: FormContent): FormContent {
  const { data } = form.safeParse(schema);
  const proposed = Object.entries(data?.properties ?? {}).flatMap(
    ([key, described]): [string, FormContent[string]][] => {
      const { data: known } = property.safeParse(described);
      return known ? [[key, known.default]] : [];
    },
  );
  return { ...Object.fromEntries(proposed), ...given };
}
