/**
 * Reads the results of `initialize` and `server/discover`: capabilities, the server's name and version, instructions.
 * Without them Parley could not use the server at all. Pure.
 */
import { isSpecType } from '@modelcontextprotocol/client';
import { isObject, textOf, type JsonObject } from '../../json.ts';
import { described, fits } from './content-blocks.ts';
import { isFlag, isText, objectOf, withoutMisfits, withoutNulls } from './members.ts';

const ABILITIES = ['logging', 'completions', 'prompts', 'resources', 'tools'] as const;
const UNKNOWN = 'unknown';

/** An ability is stated by an object. Servers also write `[]` (PHP) or true for an empty one. */
function readCapabilities(stated: JsonObject): JsonObject {
  const { tasks, ...others } = withoutNulls(stated);
  const abilities = ABILITIES.flatMap((key) => {
    const value = others[key];
    if (value === undefined || value === false) return [];
    return [[key, withoutMisfits(withoutNulls(objectOf(value)), { listChanged: isFlag, subscribe: isFlag })] as const];
  });
  const rest = Object.entries(others).filter(([key]) => !ABILITIES.some((each) => each === key));
  const kept = Object.fromEntries(rest.filter(([key, value]) => fits(isSpecType.ServerCapabilities, { [key]: value })));
  return {
    ...kept,
    ...Object.fromEntries(abilities),
    ...(fits(isSpecType.ServerCapabilities, { tasks }) && tasks !== undefined ? { tasks } : {}),
  };
}

function readServerInfo(stated: unknown): JsonObject {
  const info = withoutMisfits(objectOf(stated), { ...described, websiteUrl: isText });
  const { version } = info;
  return {
    ...info,
    name: textOf(info['name']) ?? UNKNOWN,
    version: typeof version === 'number' ? String(version) : (textOf(version) ?? UNKNOWN),
  };
}

/** Reads the result of `initialize`. */
export function readInitialized(result: JsonObject): JsonObject {
  return { ...readDiscovered(result), serverInfo: readServerInfo(result['serverInfo']) };
}

/** Reads the result of `server/discover`. */
export function readDiscovered(result: JsonObject): JsonObject {
  return {
    ...withoutMisfits(result, { instructions: isText }),
    capabilities: readCapabilities(isObject(result['capabilities']) ? result['capabilities'] : {}),
  };
}
