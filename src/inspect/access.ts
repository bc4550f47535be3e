/**
 * Decides who may look inside: the viewers that the configuration names, and only from this machine unless it says
 * otherwise.
 */
import type { IncomingMessage } from 'node:http';
import type { Verify } from '../auth/verifier.ts';
import type { Refusal } from '../refusal.ts';

/** Read for each request. */
export interface VisitorRules {
  /** Subjects that may look into all conversations; null where nobody is asked who they are. */
  viewers: ReadonlySet<string> | null;
  /** Other machines are served too. */
  beyondLoopback: boolean;
  /** True for a request from this machine, and not through a proxy. */
  isLocal(request: IncomingMessage): boolean;
}

export interface Doorkeeper {
  /** Whether the page may be shown, which holds nothing of anybody's: null, or why not. */
  page(request: IncomingMessage): Refusal | null;
  /** Whose eyes these are. Rejects when the credential cannot be checked. */
  visitor(request: IncomingMessage, credential: string | null): Promise<{ subject: string } | { refusal: Refusal }>;
}

/** Of a request from elsewhere. Without tokens no key allows it by itself, so the message says what else is needed. */
const elsewhere = (asksForTokens: boolean): Refusal => ({
  kind: 'inspection',
  key: 'inspect.beyond_loopback',
  status: 403,
  message: `Inspection is for this machine alone: open it as localhost, without a proxy between. To open it to other machines and through proxies, set inspect.beyond_loopback to true${asksForTokens ? '' : ', auth.mode to token, and name the subjects that may look in inspect.viewers'}.`,
  reason:
    'Inspection is for this machine alone: open it as localhost, without a proxy between, or set inspect.beyond_loopback.',
});

const NO_TOKEN = 'The inspector needs the token of a viewer: Authorization: Bearer TOKEN.';

const noViewer = (subject: string): Refusal => ({
  kind: 'viewer',
  key: 'inspect.viewers',
  status: 403,
  message: `The subject "${subject}" may not view the inspector; add it to inspect.viewers.`,
  reason: `The subject "${subject.slice(0, 20)}" may not view the inspector; add it to inspect.viewers.`,
});

export function createDoorkeeper(rules: VisitorRules, verify: Verify): Doorkeeper {
  const refusal = elsewhere(rules.viewers !== null);
  const page = (request: IncomingMessage) => (rules.beyondLoopback || rules.isLocal(request) ? null : refusal);
  return {
    page,
    async visitor(request, credential) {
      const away = page(request);
      if (away) return { refusal: away };
      const subject = await verify(credential);
      if (subject === null)
        return { refusal: { kind: 'token', key: 'auth.tokens', status: 401, message: NO_TOKEN, reason: NO_TOKEN } };
      return rules.viewers && !rules.viewers.has(subject) ? { refusal: noViewer(subject) } : { subject };
    },
  };
}
