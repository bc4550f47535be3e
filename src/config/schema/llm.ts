/**
 * Defines the `llm` section: which provider answers, its timeouts, retries and circuit breaker. The only place of these
 * keys' defaults and constraints.
 */
import { z } from 'zod';
import { count, milliseconds, seconds, secondsOrNone, text } from './quantities.ts';
import { presets } from '../../llm/providers/presets.ts';
import { providers } from './providers.ts';
import { closest } from '../suggest.ts';

/** Names that a provider block must not have. */
const reserved = ['auto', 'demo'];

/** The names can be checked if they are readable, even if other keys of the section are wrong. */
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
        'Provider that answers. `auto`: the first block whose key is set in the environment, else `demo`, the embedded offline model.',
      ),
    fallback: z
      .array(text().meta({ allowed: 'demo or the name of a block of llm.providers' }))
      .default([])
      .describe('Providers to ask, in this order, if the active one fails before any text of its answer was sent.'),
    connect_timeout: seconds()
      .default(10)
      .describe('Timeout of a connection. Distinguishes a provider that is down from one that is slow to answer.'),
    first_byte_timeout: seconds()
      .default(60)
      .describe(
        'Timeout of the first word of an answer: text, reasoning or a tool call. Large models think before. Keep-alive comments do not count, before the answer and within it.',
      ),
    stall_timeout: seconds()
      .default(30)
      .describe('Longest pause within an answer before it counts as lost. A cut connection gives no other sign.'),
    finish_timeout: seconds()
      .default(5)
      .describe('Longest wait for the usage and the end of the stream after the finish reason of an answer.'),
    max_answer_time: seconds()
      .default(1800)
      .describe(
        'Longest time of one answer, from its request to its end. An answer that does not end is stopped, its text is kept, and the turn ends as `answer_timeout`.',
      ),
    queue_timeout: seconds()
      .default(60)
      .describe(
        'Longest time in the queue of a provider that is at its limits (max_concurrent, requests_per_minute). Then its fallback is asked, or the turn ends as `provider_busy`.',
      ),
    retry: z
      .strictObject({
        attempts: count('attempts', 1, 10)
          .default(3)
          .describe('Attempts at one provider, the first included. Only while no text of the answer was sent.'),
        budget: secondsOrNone()
          .default(10)
          .describe('Longest sum of the delays between the attempts: a person is waiting for the answer.'),
      })
      .prefault({})
      .describe('Retries at the same provider.'),
    circuit: z
      .strictObject({
        failures: count('failures', 1, 1_000)
          .default(5)
          .describe(
            'Failures of a provider in a row, over all conversations, that open its circuit. A rejected request is no failure.',
          ),
        cooldown: seconds()
          .default(30)
          .describe('How long the circuit stays open. Then one request tests whether the provider answers again.'),
      })
      .prefault({})
      .describe('Circuit breaker of each provider: while a provider is down, turns do not wait for it.'),
    demo: z
      .strictObject({
        chunk_delay_ms: milliseconds()
          .default(30)
          .describe('Delay before each piece of an answer of the demo model: about the speed of a real one.'),
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
        if (Object.hasOwn(presets, name) || typeof block !== 'object' || block?.base_url !== undefined) continue;
        const meant = closest(name, Object.keys(presets));
        if (meant !== null)
          refuse(['providers', name], `the name ${meant} for that provider; a provider of your own needs a base_url`);
      }
      for (const name of reserved.filter((name) => stated.includes(name))) {
        refuse(['providers', name], `another name, because ${name} has a special meaning in llm.active`);
      }
    },
    { when: namesAreLegible },
  )
  .prefault({})
  .describe('The language model.');
