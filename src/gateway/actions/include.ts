/**
 * Reads the prompt and resources of a chat from their MCP servers before the chat is routed. So the conversation never
 * waits for a server, and the log stores what was read.
 */
import type { Fault } from '../../../machines/log.ts';
import type { Included } from '../../../machines/context-window/included.ts';
import { fault } from '../../errors.ts';
import { isUnavailable, type PromptsAndResources, type Unavailable } from '../../mcp/prompts-and-resources.ts';
import { partText } from '../../mcp/content/result-text.ts';
import { sanitizeText } from '../../mcp/content/sanitize-text.ts';
import type { Payload } from '../../protocol/actions.ts';
import { unavailableFault } from './unavailable-fault.ts';

type Chat = Payload<'chat'>;

/** A message with its prompt messages and resources. */
export interface ComposedMessage {
  text: string;
  included: Included[];
}

/** True if the chat names a prompt or resources of MCP servers. */
export function hasIncludes({ prompt, resources }: Chat): boolean {
  return prompt !== undefined || resources.length > 0;
}

/** `maxLength`: UTF-16 units of all texts together. Never rejects: returns a fault if something cannot be read. */
export async function composeMessage(
  promptsAndResources: PromptsAndResources,
  owner: string,
  { text, prompt, resources }: Chat,
  maxLength: number,
): Promise<ComposedMessage | Fault> {
  const [filled, ...read] = await Promise.all([
    readPrompt(promptsAndResources, owner, prompt),
    ...resources.map(({ server, uri }) => readResource(promptsAndResources, owner, server, uri)),
  ]);
  const missing = [filled, ...read].find((each): each is Unavailable => !Array.isArray(each));
  if (missing)
    return unavailableFault(
      missing,
      resources.length > 0 && missing !== filled ? 'payload.resources' : 'payload.prompt',
    );
  const included = [...read, filled].flatMap((each) => (Array.isArray(each) ? each : []));
  // Without text, the last message of the prompt is the message.
  const last = text === undefined ? included.pop() : undefined;
  if (last?.role === 'assistant')
    return invalidRequest(
      'payload.text',
      'expected text, because the last message of the prompt is from the assistant',
    );
  const message = text ?? last?.text ?? '';
  const length = included.reduce((sum, each) => sum + each.text.length, message.length);
  if (message === '') return invalidRequest('payload.text', 'expected text, because the prompt has none');
  if (length > maxLength)
    return invalidRequest(
      'payload',
      `the message with its prompt and resources has ${length} characters; at most ${maxLength} are allowed`,
    );
  return { text: message, included };
}

async function readPrompt(
  promptsAndResources: PromptsAndResources,
  owner: string,
  named: Chat['prompt'],
): Promise<Included[] | Unavailable> {
  if (named === undefined) return [];
  const { server, name, arguments: args } = named;
  const filled = await promptsAndResources.fill(server, name, args, owner);
  if (isUnavailable(filled)) return filled;
  return filled.messages
    .filter(({ isForModel }) => isForModel)
    .map(({ role, text }) => ({ role, text: text.toWellFormed(), from: { server, prompt: name } }));
}

async function readResource(
  promptsAndResources: PromptsAndResources,
  owner: string,
  server: string,
  uri: string,
): Promise<Included[] | Unavailable> {
  const parts = await promptsAndResources.read(server, uri, owner);
  if (isUnavailable(parts)) return parts;
  return [{ role: 'user', text: sanitizeText(parts.map(partText).join('\n')), from: { server, uri } }];
}

function invalidRequest(path: string, what: string): Fault {
  return fault('invalid_request', `${path}: ${what}.`, { path });
}
