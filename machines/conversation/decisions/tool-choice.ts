/**
 * Decides which of the offered tools a message leaves to its turn. A choice only takes tools away: what the operator
 * does not allow is never among the tools that it chooses from. Pure.
 */
import { asObject } from '../../json-object.ts';
import { isNamed } from './name-pattern.ts';
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
  const isNamedIn = (patterns: readonly string[]) => names.some((name) => isNamed(name, patterns));
  return (allow === null || isNamedIn(allow)) && !isNamedIn(deny);
}

/** The tools that the choice leaves. Null: all of them, as the same map. */
export function chosenTools<Tool extends Named>(
  tools: ReadonlyMap<string, Tool>,
  choice: ToolChoice | null,
): ReadonlyMap<string, Tool> {
  return choice === null ? tools : new Map([...tools].filter(([, tool]) => isChosen(tool, choice)));
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
