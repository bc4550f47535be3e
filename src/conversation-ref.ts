/**
 * A conversation's address: whose it is, and its id. Ids are scoped by owner, so both together name it.
 */
export interface ConversationRef {
  owner: string;
  conversationId: string;
}

/** The address as one string, for Maps; ids hold no control characters, so no two addresses share it. */
export function conversationKey({ owner, conversationId }: ConversationRef): string {
  return `${owner}\n${conversationId}`;
}
