/**
 * Builds the context window: chooses the past turns that the model sees. Pure. Token counts come with the rows, so a
 * window costs only additions.
 */
import { messageSizes, NO_TOOLS, type ContextSizes, type ToolSizes } from './context-sizes.ts';
import { cutToFit } from './cut-to-fit.ts';
import { keepNewestImages } from './images.ts';
import { turnMessages, type ModelMessage } from './model-messages.ts';
import { branchOf, isMessage, type TurnRows } from './past-turns.ts';
import { reasoningOfTurn } from './reasoning-tokens.ts';

/** What a window is built from. Sizes are estimated tokens. */
export interface WindowOptions {
  systemPrompt: string;
  systemTokens: number;
  /** See `requestBudget`: of the whole request, its tools included. */
  budgetTokens: number;
  /** The tools of the request. None if absent. */
  tools?: ToolSizes;
  /** Number of newest messages that are always included, cut if necessary. */
  preserveRecent: number;
  /** The provider gets the reasoning of turns with tool calls, so it counts. False if absent. */
  sendsReasoning?: boolean;
  /** Most images, the newest ones. None if absent. */
  maxImages?: number;
}

/** The messages of one request, with what was cut. */
export interface ContextWindow {
  messages: ModelMessage[];
  /** Estimated tokens, system prompt included. */
  tokens: number;
  /** Number of messages that were cut in the middle. */
  cut: number;
  /** The sizes of its parts, after the cut. */
  sizes: ContextSizes;
}

/**
 * Builds the messages of a hop of `requestId`: the system prompt, as many whole recent turns of its branch as fit, and
 * the turn itself. Turns that have not begun are left out.
 */
export function buildWindow(turns: readonly TurnRows[], requestId: string, options: WindowOptions): ContextWindow {
  const { systemTokens, tools = NO_TOOLS } = options;
  const budget = options.budgetTokens - tools.tokens;
  const reasoningOf = (turn: TurnRows) => (options.sendsReasoning === true ? reasoningOfTurn(turn) : 0);
  const current = turns.find((turn) => turn.requestId === requestId);
  const past = branchOf(turns, current);
  const chosen: TurnRows[] = [];
  const ownReasoning = current ? reasoningOf(current) : 0;
  let reasoning = ownReasoning;
  let tokens = systemTokens + ownReasoning + (current?.tokens ?? 0);
  let messages = countMessages(current);
  for (let i = past.length - 1; i >= 0; i -= 1) {
    const turn = past[i];
    if (!turn) break;
    const itsReasoning = reasoningOf(turn);
    if (tokens + turn.tokens + itsReasoning > budget && messages >= options.preserveRecent) break;
    chosen.unshift(turn);
    tokens += turn.tokens + itsReasoning;
    reasoning += itsReasoning;
    messages += countMessages(turn);
  }
  const earlier = chosen.flatMap(turnMessages);
  const own = current ? turnMessages(current) : [];
  const sized = [...earlier, ...own];
  const cut = tokens > budget ? cutToFit(sized, budget - systemTokens - reasoning) : 0;
  tokens += keepNewestImages(sized, options.maxImages ?? 0, budget - tokens);
  const parts = messageSizes(earlier, own);
  const system: ModelMessage[] = options.systemPrompt === '' ? [] : [{ role: 'system', content: options.systemPrompt }];
  return {
    messages: [...system, ...sized.map((entry) => entry.message)],
    tokens: Math.min(tokens, budget),
    cut,
    sizes: { system: systemTokens, tools, ...parts, rest: parts.rest + reasoning },
  };
}

function countMessages(turn: TurnRows | undefined): number {
  return turn ? turn.rows.filter(isMessage).length : 0;
}
