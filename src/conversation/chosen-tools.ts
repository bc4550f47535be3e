/**
 * Filters the list of tools by the choice of a message. Keeps the newest filtered lists, because the fitter counts the
 * tokens of each list once.
 */
import { isChosen, type ToolChoice } from '../../machines/conversation/decisions/tool-choice.ts';
import type { HopContext } from '../../machines/conversation/turn-state.ts';

type ToolsByName = HopContext['tools'];

/** Filtered lists that are kept of one list. Each is a map of its tools. */
const MAX_KEPT = 64;

/** Returns the chosen tools. Null chooses all. */
export type ChooseTools = (tools: ToolsByName, choice: ToolChoice | null) => ToolsByName;

/** Returns the same map for the same list and choice, as long as it is kept. Without a choice: the list itself. */
export function createChooseTools(): ChooseTools {
  const kept = new WeakMap<ToolsByName, Map<string, ToolsByName>>();
  return (tools, choice) => {
    if (choice === null) return tools;
    const ofList = kept.get(tools) ?? new Map<string, ToolsByName>();
    kept.set(tools, ofList);
    const key = JSON.stringify(choice);
    const chosen = ofList.get(key) ?? new Map([...tools].filter(([, tool]) => isChosen(tool, choice)));
    // The newest is the last one.
    ofList.delete(key);
    ofList.set(key, chosen);
    const [oldest] = ofList.keys();
    if (ofList.size > MAX_KEPT && oldest !== undefined) ofList.delete(oldest);
    return chosen;
  };
}
