/**
 * The `llm` section: which provider answers, how long it may take, and when it is left alone.
 * The only home of these keys' defaults and constraints.
 */
import { z } from 'zod';
import { count, milliseconds, seconds, secondsOrNone, text } from './quantities.ts';
import { presets } from '../../llm/providers/presets.ts';
import { providers } from './providers.ts';
import { closest } from '../suggest.ts';

/** Names that no block may have. */
const reserved = ['auto', 'demo'];

/** Names can be checked as soon as they are legible, whatever else is wrong in the section. */
function namesAreLegible({ issues }: z.core.ParsePayload): boolean {
  return issues.every(({ code, path = [] }) => {
    const [key, ...below] = path;
    const isName =
      key === undefined || key === 'active' || key === 'fallback' || (key === 'providers' && below.length === 0);
    return code === 'unrecognized_keys' || !isName;
  });
}

export const llmSection = z
  .strictObject({
    active: text()
      .meta({ allowed: 'auto, demo, or the name of a block of llm.providers' })
      .default('auto')
      .describe(
        'Provider that answers: `auto` is the first block whose key is set in the environment, else `demo`, the embedded offline model.',
      ),
    fallback: z
      .array(text().meta({ allowed: 'demo or the name of a block of llm.providers' }))
      .default([])
      .describe('Providers to ask, in this order, when the active one fails before anything of its answer was shown.'),
    connect_timeout: seconds()
      .default(10)
      .describe('Longest wait for a connection: a provider that is away is told from one that thinks.'),
    first_byte_timeout: seconds()
      .default(60)
      .describe('Longest wait for the answer to begin; large models think before their first word.'),
    stall_timeout: seconds()
      .default(30)
      .describe('Longest silence within an answer before it counts as lost; a cut connection makes no other sign.'),
    queue_timeout: seconds()
      .default(60)
      .describe(
        'Longest wait in line for a provider that has as many requests as it may (max_concurrent, requests_per_minute); then its fallback is asked, or the turn ends as `provider_busy`.',
      ),
    retry: z
      .strictObject({
        attempts: count('attempts', 1, 10)
          .default(3)
          .describe('Tries at one provider, the first included; only while nothing of the answer was shown.'),
        budget: secondsOrNone()
          .default(10)
          .describe(
            'Longest time that the waits between the tries may take together: a person is waiting for the answer.',
          ),
      })
      .prefault({})
      .describe('Asking the same provider again.'),
    circuit: z
      .strictObject({
        failures: count('failures', 1, 1_000)
          .default(5)
          .describe(
            'Failures of a provider in a row, in whatever conversations, after which it is left alone. A refusal is none.',
          ),
        cooldown: seconds()
          .default(30)
          .describe('How long it is left alone; then one request finds out whether it answers again.'),
      })
      .prefault({})
      .describe('The circuit breaker of each provider: nobody waits for one that is down, and it is not hammered.'),
    demo: z
      .strictObject({
        chunk_delay_ms: milliseconds()
          .default(30)
          .describe('Pause before each piece of an answer of the demo model: about the pace of a real one.'),
      })
      .prefault({})
      .describe('The embedded offline model.'),
    providers,
  })
  .superRefine(
    (llm, context) => {
      const stated = Object.keys(llm.providers);
      const names = ['demo', ...stated.filter((name) => !reserved.includes(name))];
      const refuse = (path: (string | number)[], allowed: string) =>
        context.addIssue({ code: 'custom', path, params: { allowed } });
      const check = (path: (string | number)[], name: string, allowed: string[]) => {
        if (!allowed.includes(name)) refuse(path, `one of ${allowed.join(', ')}`);
      };
      check(['active'], llm.active, ['auto', ...names]);
      for (const [index, name] of llm.fallback.entries()) check(['fallback', index], name, names);
      for (const [name, block] of Object.entries(llm.providers)) {
        if (name in presets || typeof block !== 'object' || block?.base_url !== undefined) continue;
        const meant = closest(name, Object.keys(presets));
        if (meant !== null)
          refuse(['providers', name], `the name ${meant}, if that provider is meant; one of your own needs a base_url`);
      }
      for (const name of reserved.filter((name) => stated.includes(name))) {
        refuse(['providers', name], `another name, for llm.active gives ${name} a meaning of its own`);
      }
    },
    { when: namesAreLegible },
  )
  .prefault({})
  .describe('The language model.');
