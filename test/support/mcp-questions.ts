/**
 * Registers a tool that requests input of people during a call, for a real test server of either era
 * (mcp-http-server.ts). It books a table when it knows for how many, and counts its bookings.
 */
import {
  acceptedContent,
  inputRequired,
  type CallToolResult,
  type ElicitRequestFormParams,
  type McpServer,
} from '@modelcontextprotocol/server';
import { z } from 'zod';

const guests: ElicitRequestFormParams['requestedSchema'] = {
  type: 'object',
  properties: {
    guests: { type: 'integer', minimum: 1, maximum: 8 },
    place: { type: 'string', enum: ['inside', 'outside'], default: 'inside' },
  },
  required: ['guests', 'place'],
};
const QUESTION = 'For how many?';
const PAGE = 'https://pay.example/deposit';

const say = (text: string): CallToolResult => ({ content: [{ type: 'text', text }] });

export interface Bookings {
  /** Bookings. */
  readonly booked: string[];
  /** Answers without a booking. */
  readonly refused: string[];
}

/** Up to 2025-11-25: the call stays open until the answer. */
export function offerWaitingTable(server: McpServer, { booked, refused }: Bookings): void {
  server.registerTool('book', { inputSchema: z.object({}) }, async (_args, { mcpReq }) => {
    const { action, content } = await mcpReq.elicitInput({ message: QUESTION, requestedSchema: guests });
    if (action !== 'accept') {
      refused.push(action);
      return say(`not booked: ${action}`);
    }
    booked.push(`${content?.['guests']} ${content?.['place']}`);
    return say(`booked for ${content?.['guests']}, ${content?.['place']}`);
  });
  server.registerTool('pay', { inputSchema: z.object({}) }, async (_args, { mcpReq }) => {
    const { action } = await mcpReq.elicitInput({
      mode: 'url',
      message: 'Pay the deposit.',
      url: PAGE,
      elicitationId: 'deposit',
    });
    return say(`deposit: ${action}`);
  });
}

/** 2026-07-28: the call is suspended, and made again with the answer and the server's state. */
export function offerResumedTable(server: McpServer, { booked, refused }: Bookings): void {
  server.registerTool(
    'book',
    { inputSchema: z.object({}), outputSchema: z.object({ guests: z.number() }) },
    (_args, { mcpReq }) => {
      const answer = acceptedContent<{ guests: number; place: string }>(mcpReq.inputResponses, 'guests');
      if (!mcpReq.inputResponses?.['guests']) {
        return inputRequired({
          inputRequests: { guests: inputRequired.elicit({ message: QUESTION, requestedSchema: guests }) },
          requestState: 'table 7',
        });
      }
      if (!answer) {
        const { action } = Object(mcpReq.inputResponses['guests']);
        refused.push(String(action));
        return { ...say(`not booked: ${action}`), isError: true };
      }
      booked.push(`${answer.guests} ${answer.place} ${mcpReq.requestState()}`);
      return { ...say(`booked for ${answer.guests}, ${answer.place}`), structuredContent: { guests: answer.guests } };
    },
  );
  server.registerTool('pay', { inputSchema: z.object({}) }, (_args, { mcpReq }) => {
    const { action = null } = Object(mcpReq.inputResponses?.['deposit']);
    if (action === null)
      return inputRequired({
        inputRequests: { deposit: inputRequired.elicitUrl({ message: 'Pay the deposit.', url: PAGE }) },
      });
    return say(`deposit: ${action}`);
  });
}
