/** Defines what the handler of an action gets and returns. Types only. */
import type { PromptsAndResources } from '../../mcp/prompts-and-resources.ts';
import type { McpServers, Tool } from '../../mcp/port.ts';
import type { CatchUpDeps } from '../../delivery/catch-up.ts';
import type { Delivery } from '../../delivery/port.ts';
import type { Action, Payload } from '../../protocol/actions.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Store } from '../../store/port.ts';
import type { ClientSession } from '../session.ts';
import type { PendingChats } from './pending-chats.ts';
import type { SubscriptionOrder } from './subscription-order.ts';

/** The parts of the server that handlers use, and the settings that they follow. */
export interface ActionDeps {
  registry: Pick<Registry, 'route' | 'state'>;
  store: Pick<
    Store,
    'events' | 'page' | 'digest' | 'hasOpenTurn' | 'load' | 'interrupt' | 'rewindPoint' | 'conversations' | 'fork'
  >;
  mcpServers: Pick<McpServers, 'tools' | 'statuses' | 'settled' | 'fitChange' | 'validateForm'>;
  /** The tools that the active model does not get, by name, each with the reason. */
  leftOut(tools: readonly Tool[]): ReadonlyMap<string, string>;
  promptsAndResources: PromptsAndResources;
  pendingChats: PendingChats;
  subscriptionOrder: SubscriptionOrder;
  /** Every read of the log whose size or time a client decides. */
  reads: CatchUpDeps['reads'];
  delivery: Pick<Delivery, 'reply' | 'subscribe' | 'unsubscribe' | 'drafting'>;
  /** chat.service.max_text_length: UTF-16 units of a message with its prompt and resources. */
  maxTextLength: number;
  /** chat.service.tools.max_image_size: of the images that one message includes. */
  maxImageBytes: number;
  /** chat.service.streaming.enabled: applies to a chat without `streaming`. */
  streaming: boolean;
  onError(error: unknown): void;
}

/**
 * Handles one action: replies to the session, or routes the request to its conversation. Returns null if that is done.
 * Otherwise returns a promise that resolves when it is done, and rejects if the log cannot be read.
 */
export type ActionHandler<Name extends Action> = (
  deps: ActionDeps,
  session: ClientSession,
  requestId: string,
  payload: Payload<Name>,
) => Promise<void> | null;
