/**
 * What the actions are carried out with: all that they reach of the server, and the settings that they follow. Types
 * only.
 */
import type { PromptsAndResources } from '../../mcp/prompts-and-resources.ts';
import type { McpServers } from '../../mcp/port.ts';
import type { Delivery } from '../../outbox/port.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Store } from '../../store/port.ts';
import type { ComingChats } from './pending-chats.ts';

export interface RequestDeps {
  registry: Pick<Registry, 'route' | 'state'>;
  store: Pick<Store, 'page' | 'turn' | 'load' | 'interrupt' | 'rewindPoint' | 'conversations' | 'fork'>;
  mcpServers: Pick<McpServers, 'tools' | 'statuses' | 'settled' | 'validateChange' | 'validateForm'>;
  promptsAndResources: PromptsAndResources;
  comingChats: ComingChats;
  outbox: Pick<Delivery, 'reply' | 'subscribe' | 'unsubscribe' | 'drafting'>;
  /** chat.service.max_text_length: of a message with all that it includes. */
  maxTextLength: number;
  /** chat.service.streaming.enabled: what a chat gets that does not say. */
  streaming: boolean;
  onError(error: unknown): void;
}
