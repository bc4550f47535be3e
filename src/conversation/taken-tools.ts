/**
 * Leaves out the tools that a model does not take, before the others are fitted to its context window.
 */
import { offeredTools } from '../../machines/conversation/decisions/hop-plan.ts';
import type { HopContext } from '../../machines/conversation/turn-state.ts';
import type { LanguageModel } from '../llm/port.ts';
import { explainLeftOut, explainWithoutTools } from '../llm/tools/left-out.ts';

type ToolsByName = HopContext['tools'];

export interface TakenTools {
  tools: ToolsByName;
  /** The notice about the others. Null if the model takes all tools, or none because of the configuration. */
  leftOut: HopContext['toolsLeftOut']['byModel'];
}

/** `model`: the one that is asked. */
export type TakeTools = (tools: ToolsByName, provider: string, model: string) => TakenTools;

const NONE: ToolsByName = new Map();

export function createTakeTools(models: Pick<LanguageModel, 'leftOut' | 'window'>): TakeTools {
  return (all, provider, model) => {
    const offered = offeredTools(all);
    const { takesTools, hasRejectedTools } = models.window(provider, model);
    if (!takesTools) {
      const data = explainWithoutTools(provider, model);
      return {
        tools: NONE,
        leftOut: hasRejectedTools && offered.length > 0 ? { kind: 'tools_unsupported', data } : null,
      };
    }
    const leftOut = models.leftOut(provider, model, offered);
    if (leftOut.size === 0) return { tools: all, leftOut: null };
    const tools = new Map([...all].filter(([name]) => !leftOut.has(name)));
    return { tools, leftOut: { kind: 'tools_left_out', data: explainLeftOut(leftOut, provider, model) } };
  };
}
