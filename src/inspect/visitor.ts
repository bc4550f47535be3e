/**
 * Who may look inside: the viewers that the configuration names, and only from this machine unless it says
 * otherwise. Reads what a request tells of its sender and believes of it only what cannot be feigned.
 */
import type { IncomingMessage } from 'node:http';
import type { Verify } from '../auth/verifier.ts';
import { isLoopback } from '../loopback.ts';

export interface VisitorRules {
  /** Subjects that may look into all conversations; null where nobody is asked who they are. */
  viewers: ReadonlySet<string> | null;
  /** Other machines are served too. */
  beyondLoopback: boolean;
}

/** Why somebody may not look. `status` as HTTP has it; `why` is for people. */
export interface Refusal {
  status: 401 | 403;
  why: string;
}

export interface Doorkeeper {
  /** Whether the page may be shown, which holds nothing of anybody's: null, or why not. */
  page(request: IncomingMessage): Refusal | null;
  /** Whose eyes these are. Rejects when the credential cannot be checked. */
  visitor(request: IncomingMessage, credential: string | null): Promise<{ subject: string } | Refusal>;
}

const ELSEWHERE: Refusal = {
  status: 403,
  why: 'Inspection is for this machine alone: open it as localhost, without a proxy between, or set inspect.beyond_loopback.',
};

export function createDoorkeeper(rules: VisitorRules, verify: Verify): Doorkeeper {
  const page = (request: IncomingMessage) => (rules.beyondLoopback || isFromHere(request) ? null : ELSEWHERE);
  return {
    page,
    async visitor(request, credential) {
      const refusal = page(request);
      if (refusal) return refusal;
      const subject = await verify(credential);
      if (subject === null) return { status: 401, why: 'Inspection asks for the token of a viewer: Authorization: Bearer TOKEN.' };
      if (rules.viewers && !rules.viewers.has(subject)) return { status: 403, why: `The configuration does not name "${subject}" in inspect.viewers.` };
      return { subject };
    },
  };
}

/**
 * The peer is this machine and calls this one by a name of its own: a page elsewhere whose name was made to point
 * here (DNS rebinding) brings that name along, and a proxy says for whom it asks.
 */
function isFromHere({ socket, headers }: IncomingMessage): boolean {
  const peer = (socket.remoteAddress ?? '').replace('::ffff:', '');
  if (headers.forwarded !== undefined || headers['x-forwarded-for'] !== undefined) return false;
  const host = `http://${headers.host ?? ''}`;
  return isLoopback(peer) && URL.canParse(host) && isLoopback(new URL(host).hostname);
}
