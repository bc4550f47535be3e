/** Builds the checks of who may use the server: tokens, hosts and origins, and viewers. */
import { createTokenVerifier } from '../auth/tokens.ts';
import { ANONYMOUS, withTimeout, type Verify } from '../auth/verifier.ts';
import { accessOptions, ms, visitorRules } from '../config/options.ts';
import { createAccess } from '../gateway/admission/access.ts';
import { createRefusalReport } from '../gateway/admission/refusal-report.ts';
import { createViewerAuthorizer } from '../inspect/access.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { StartContext } from './context.ts';

/** The checks, and who gets reports of refusals. */
export type AccessChecks = ReturnType<typeof createAccessChecks>;

/** Creates the checks of tokens, hosts and origins. They follow a reload. */
export function createAccessChecks({ settings, log }: StartContext, metrics: Pick<Metrics, 'refused'>) {
  const checking = settings.follow(({ auth }) => ({
    verify: withTimeout(
      auth.mode === 'token' ? createTokenVerifier(auth.tokens) : { verify: () => ANONYMOUS },
      ms(auth.verification_timeout),
    ),
  }));
  const verify: Verify = (credential) => checking.verify(credential);
  const access = settings.follow((now) => createAccess(accessOptions(now)));
  const warnOfOpenAccess = () => {
    const { auth, chat } = settings.current();
    if (auth.mode === 'none' && chat.websocket.allow_origins.includes('*'))
      log.warn(
        { key: 'chat.websocket.allow_origins' },
        'every web page that a person opens can use this server: allow_origins is "*" and no token is required',
      );
  };
  warnOfOpenAccess();
  settings.onApply(warnOfOpenAccess);
  const onRefused = createRefusalReport({
    count: metrics.refused,
    log: (fields) => log.warn(fields, 'request refused'),
    nowMs: () => performance.now(),
  });
  const viewerAuthorizer = createViewerAuthorizer(
    settings.follow((now) => ({ ...visitorRules(now), isLocal: (request) => access.isLocal(request) })),
    verify,
  );
  return { verify, access, onRefused, viewerAuthorizer };
}
