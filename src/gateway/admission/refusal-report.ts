/**
 * Counts refused requests and connections, and logs them: one line a minute for each kind, so that a client that comes
 * back time and again fills neither the disk nor the log. Nothing is logged that may hold a token.
 */
import type { IncomingMessage } from 'node:http';
import { shown, type Refusal, type RefusalKind } from '../../refusal.ts';

export interface RefusalReportOptions {
  /** For the metric; called for each refusal. */
  count(kind: RefusalKind): void;
  log(fields: Record<string, string | number>): void;
  nowMs(): number;
}

/** What was refused. Its path and query are not looked at: clients put tokens there. */
export type Refused = Pick<IncomingMessage, 'headers'> & { socket: Pick<IncomingMessage['socket'], 'remoteAddress'> };

export type ReportRefusal = (refusal: Pick<Refusal, 'kind' | 'key'>, refused: Refused) => void;

const LOG_INTERVAL_MS = 60_000;

/** `suppressed` in a line is the number of refusals of its kind since the line before it. */
export function createRefusalReport({ count, log, nowMs }: RefusalReportOptions): ReportRefusal {
  const lines = new Map<RefusalKind, { atMs: number; suppressed: number }>();
  return ({ kind, key }, { headers: { origin, host }, socket: { remoteAddress } }) => {
    count(kind);
    const last = lines.get(kind);
    if (last && nowMs() - last.atMs < LOG_INTERVAL_MS) {
      last.suppressed += 1;
      return;
    }
    lines.set(kind, { atMs: nowMs(), suppressed: 0 });
    log({
      reason: kind,
      key,
      address: shown(remoteAddress ?? ''),
      ...(host === undefined ? {} : { host: hostPart(host) }),
      ...(origin === undefined ? {} : { origin: hostPart(origin) }),
      suppressed: last?.suppressed ?? 0,
    });
  };
}

/** The header as given, without what belongs in neither Host nor Origin and may be a secret: a user's name, a path, a query. */
function hostPart(text: string): string {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(text) ?? [];
  const [authority = ''] = rest.split(/[/?#]/, 1);
  return shown(`${scheme}${authority.slice(authority.lastIndexOf('@') + 1)}`);
}
