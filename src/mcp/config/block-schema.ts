/** Declares the format of the file that lists the MCP servers, and of the block of one server. */
import { z } from 'zod';
import { oauthSchema } from './oauth-settings.ts';

/** Of a time in a block: a day. */
const MAX_SECONDS = 86_400;
const text = z.string('a string');
// Many files have ports and flags as numbers and booleans.
const textual = z.union([z.string(), z.number(), z.boolean()], 'a string, a number or a boolean').transform(String);
const texts = z.record(z.string(), textual, 'an object of strings');

const flag = z.boolean('true or false').nullish();

/** The keys that turn a server on and off. Read first: a disabled block may have mistakes. */
export const switchSchema = z.looseObject({ enabled: flag, disabled: flag }, 'an object that describes one server');

/** The file. Each server's block is checked by `blockSchema`. */
export const fileSchema = z.looseObject(
  { mcpServers: z.record(z.string(), switchSchema, 'an object with one entry a server') },
  'an object with the key "mcpServers"',
);

const userId = z.int('a whole number, 1 or more').min(1, 'a whole number, 1 or more: not root').nullish();

const duration = z
  .number('a number of seconds above 0')
  .positive('a number of seconds above 0')
  .max(MAX_SECONDS, `at most ${MAX_SECONDS} seconds`)
  .nullish();

/** The keys of one server, in the spellings of other programs too. Further keys pass. */
export const blockSchema = z.looseObject({
  command: text.min(1, 'the name or path of a program').nullish(),
  args: z.array(textual, 'an array of strings').nullish(),
  cwd: text.nullish(),
  env: texts.nullish(),
  url: text.nullish(),
  serverUrl: text.nullish(),
  httpUrl: text.nullish(),
  headers: texts.nullish(),
  oauth: oauthSchema.nullish(),
  // The names are those of Gemini CLI.
  includeTools: z.array(text, 'an array of strings').nullish(),
  excludeTools: z.array(text, 'an array of strings').nullish(),
  uid: userId,
  gid: userId,
  start_timeout: duration,
  tool_timeout: duration,
  max_concurrent: z.int('a whole number, 1 or more').min(1, 'a whole number, 1 or more').nullish(),
  protocol: z
    .string()
    .regex(/^(?:legacy|auto|\d{4}-\d{2}-\d{2})$/, '"legacy", "auto" or a revision such as "2026-07-28"')
    .nullish(),
});

/** The keys of a server's block, without `enabled` and `disabled`. */
export const blockKeys = Object.keys(blockSchema.shape);

/** All keys of a block that mean something to Parley. */
export const knownKeys = [...Object.keys(switchSchema.shape), ...blockKeys];
