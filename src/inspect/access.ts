/**
 * Authorizes viewers of the inspector. Only the subjects in `inspect.viewers` may view it. Requests must come from this
 * machine, unless `inspect.beyond_loopback` is set.
 */
import type { IncomingMessage } from 'node:http';
import type { Verify } from '../auth/verifier.ts';
import type { Refusal } from '../refusal.ts';

/** Read for each request. */
export interface ViewerRules {
  /** Subjects that may view all conversations. Null if the server has no auth: then every request may. */
  viewers: ReadonlySet<string> | null;
  /** Serves requests from other machines and through proxies too. */
  beyondLoopback: boolean;
  /** True for a request from this machine that came through no proxy. */
  isLocal(request: IncomingMessage): boolean;
}

/** The checks of viewers. */
export interface ViewerAuthorizer {
  /** Checks a request for the page, which contains no user's data. Returns null if it is allowed, else the reason. */
  checkPage(request: IncomingMessage): Refusal | null;
  /** Returns the viewer's subject, or the reason why the request is not allowed. Rejects if the credential cannot be checked. */
  authorize(request: IncomingMessage, credential: string | null): Promise<{ subject: string } | { refusal: Refusal }>;
}

/** For a request from another machine. Without tokens, `beyond_loopback` alone is not enough; the message says so. */
const notLocal = (needsToken: boolean): Refusal => ({
  kind: 'inspection',
  key: 'inspect.beyond_loopback',
  status: 403,
  message: `The inspector serves this machine only: open it as localhost, without a proxy. To serve other machines and proxies, set inspect.beyond_loopback to true${needsToken ? '' : ', set auth.mode to token, and list the viewers in inspect.viewers'}.`,
  reason:
    'The inspector serves this machine only: open it as localhost, without a proxy, or set inspect.beyond_loopback.',
});

const NO_TOKEN = 'The inspector needs the token of a viewer: Authorization: Bearer TOKEN.';

const notViewer = (subject: string): Refusal => ({
  kind: 'viewer',
  key: 'inspect.viewers',
  status: 403,
  message: `The subject "${subject}" may not view the inspector; add it to inspect.viewers.`,
  reason: `The subject "${subject.slice(0, 20)}" may not view the inspector; add it to inspect.viewers.`,
});

/** Creates the checks of who may open the inspection page and its socket. */
export function createViewerAuthorizer(rules: ViewerRules, verify: Verify): ViewerAuthorizer {
  const refusal = notLocal(rules.viewers !== null);
  const checkPage = (request: IncomingMessage) => (rules.beyondLoopback || rules.isLocal(request) ? null : refusal);
  return {
    checkPage,
    async authorize(request, credential) {
      const rejected = checkPage(request);
      if (rejected) return { refusal: rejected };
      const subject = await verify(credential);
      if (subject === null)
        return { refusal: { kind: 'token', key: 'auth.tokens', status: 401, message: NO_TOKEN, reason: NO_TOKEN } };
      return rules.viewers && !rules.viewers.has(subject) ? { refusal: notViewer(subject) } : { subject };
    },
  };
}
