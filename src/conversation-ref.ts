/** Identifies a conversation: its owner and its id. Ids are scoped by owner. */
export interface ConversationRef {
  owner: string;
  conversationId: string;
}

/** A unique key for Maps. Ids have no control characters, so two conversations never share a key. */
export function conversationKey({ owner, conversationId }: ConversationRef): string {
  return `${owner}\n${conversationId}`;
}
