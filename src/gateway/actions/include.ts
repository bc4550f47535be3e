/**
 * What a chat names to be included, read from the MCP servers before the chat is handed on: its conversation never
 * waits for a server, and what is stored is what was read.
 */
import type { Fault } from '../../../machines/log.ts';
import type { Included } from '../../../machines/context-window/included.ts';
import { fault } from '../../errors.ts';
import { isUnavailable, type PromptsAndResources, type Unavailable } from '../../mcp/prompts-and-resources.ts';
import { partText } from '../../mcp/content/result-text.ts';
import type { Payload } from '../../protocol/requests.ts';
import { unavailableFault } from './offers.ts';

type Chat = Payload<'chat'>;

/** A message with all that belongs to it. */
export interface Composed {
  text: string;
  included: Included[];
}

export function namesSomething({ prompt, resources }: Chat): boolean {
  return prompt !== undefined || resources.length > 0;
}

/** `maxLength`: UTF-16 units of all texts together. Never rejects: what cannot be had is a fault. */
export async function include(
  promptsAndResources: PromptsAndResources,
  { text, prompt, resources }: Chat,
  maxLength: number,
): Promise<Composed | Fault> {
  const [filled, ...read] = await Promise.all([
    readPrompt(promptsAndResources, prompt),
    ...resources.map(({ server, uri }) => readResource(promptsAndResources, server, uri)),
  ]);
  const missing = [filled, ...read].find((each): each is Unavailable => !Array.isArray(each));
  if (missing)
    return unavailableFault(
      missing,
      resources.length > 0 && missing !== filled ? 'payload.resources' : 'payload.prompt',
    );
  const included = [...read, filled].flatMap((each) => (Array.isArray(each) ? each : []));
  // A prompt's last words are the message, where there is no other.
  const last = text === undefined ? included.pop() : undefined;
  if (last?.role === 'assistant')
    return invalid('payload.text', 'expected text, as the prompt ends with words of the assistant');
  const message = text ?? last?.text ?? '';
  const length = included.reduce((sum, each) => sum + each.text.length, message.length);
  if (message === '') return invalid('payload.text', 'expected text, as the prompt has none');
  if (length > maxLength)
    return invalid(
      'payload',
      `the message and what it includes have ${length} characters, at most ${maxLength} are taken`,
    );
  return { text: message, included };
}

async function readPrompt(
  promptsAndResources: PromptsAndResources,
  named: Chat['prompt'],
): Promise<Included[] | Unavailable> {
  if (named === undefined) return [];
  const { server, name, arguments: args } = named;
  const filled = await promptsAndResources.fill(server, name, args);
  if (isUnavailable(filled)) return filled;
  return filled.messages.map(({ role, text }) => ({ role, text: text.toWellFormed(), from: { server, prompt: name } }));
}

async function readResource(
  promptsAndResources: PromptsAndResources,
  server: string,
  uri: string,
): Promise<Included[] | Unavailable> {
  const parts = await promptsAndResources.read(server, uri);
  if (isUnavailable(parts)) return parts;
  return [{ role: 'user', text: parts.map(partText).join('\n').toWellFormed(), from: { server, uri } }];
}

function invalid(path: string, what: string): Fault {
  return fault('invalid_request', `${path}: ${what}.`, { path });
}
