/**
 * Collects the instructions that servers send with their handshake, for the system prompt. They are untrusted text, so
 * they are sanitized and cut. Pure.
 */
import { sanitizeToLength } from './content/sanitize-text.ts';
import type { ServerHandle } from './server-handle.ts';

/** What one server says about the use of its tools and resources. */
export interface ServerInstructions {
  server: string;
  /** Sanitized, and at most as long as configured. Never empty. */
  text: string;
  /** False for a server of prompts and resources alone. */
  hasTools: boolean;
}

/** Returns the instructions in the servers' order. `maxChars`: of each server; 0 for none at all. */
export function instructionsOf(
  handles: Iterable<Pick<ServerHandle, 'block' | 'instructions' | 'catalogue'>>,
  maxChars: number,
): ServerInstructions[] {
  return [...handles].flatMap(({ block, instructions, catalogue }) => {
    const text = sanitizeToLength(instructions, maxChars);
    return text === '' ? [] : [{ server: block.name, text, hasTools: catalogue.length > 0 }];
  });
}
