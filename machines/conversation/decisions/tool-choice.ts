/**
 * Decides which of the offered tools a message leaves to its turn. A choice only takes tools away: what the operator
 * does not allow is never among the tools that it chooses from. Pure.
 */
import { asObject } from '../../json-object.ts';
import type { HopTool } from '../turn-state.ts';

/** Patterns of tools. `deny` takes precedence. */
export interface ToolChoice {
  /** Null: all tools that `deny` does not name. Empty: none. */
  allow: readonly string[] | null;
  deny: readonly string[];
}

type Named = Pick<HopTool, 'name' | 'server' | 'toolName'>;

/**
 * True if the choice leaves the tool to the turn. A pattern is the name that the model sees, `server/tool`, or `server` and
 * `server.tool` as in `chat.service.tools.permission`. `*` stands for any text.
 */
export function isChosen(tool: Named, { allow, deny }: ToolChoice): boolean {
  const names = [tool.name, tool.server, `${tool.server}/${tool.toolName}`, `${tool.server}.${tool.toolName}`];
  const isNamedIn = (patterns: readonly string[]) =>
    patterns.some((pattern) => names.some((name) => matches(name, pattern)));
  return (allow === null || isNamedIn(allow)) && !isNamedIn(deny);
}

/** Compares part by part: a regular expression could take exponential time. */
function matches(name: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return name === pattern;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let at = first.length;
  return rest.every((part) => {
    const found = name.indexOf(part, at);
    at = found + part.length;
    return found >= 0 && at <= name.length - last.length;
  });
}

/** The choice that the row of a message keeps. Null if it has none. */
export function toolChoiceOf(extra: Readonly<Record<string, unknown>>): ToolChoice | null {
  const choice = asObject(extra['tools']);
  if (choice === null) return null;
  return {
    allow: Array.isArray(choice['allow']) ? choice['allow'].map(String) : null,
    deny: Array.isArray(choice['deny']) ? choice['deny'].map(String) : [],
  };
}
