/**
 * Counts and logs rejected requests and connections. Logs one line a minute for each kind, so that a client that
 * reconnects repeatedly does not fill the disk. Logs nothing that may contain a token.
 */
import type { IncomingMessage } from 'node:http';
import { createLineLimit } from '../../observability/incident-report.ts';
import { shown, type Refusal, type RefusalKind } from '../../refusal.ts';

/** Where refusals are counted and logged. `nowMs` is for the interval between lines. */
export interface RefusalReportOptions {
  /** Called for each refusal, for the metric. */
  count(kind: RefusalKind): void;
  log(fields: Record<string, string | number>): void;
  nowMs(): number;
}

/** The rejected request. Path and query are not read, because clients put tokens there. */
export type Refused = Pick<IncomingMessage, 'headers'> & { socket: Pick<IncomingMessage['socket'], 'remoteAddress'> };

/** Counts the refusal, and logs it if its kind was not logged in the last minute. */
export type ReportRefusal = (refusal: Pick<Refusal, 'kind' | 'key'>, refused: Refused) => void;

/** `suppressed` in a log line: the number of refusals of this kind since the previous line. */
export function createRefusalReport({ count, log, nowMs }: RefusalReportOptions): ReportRefusal {
  const mayLog = createLineLimit(nowMs);
  return ({ kind, key }, { headers: { origin, host }, socket: { remoteAddress } }) => {
    count(kind);
    const suppressed = mayLog(kind);
    if (suppressed === null) return;
    log({
      reason: kind,
      key,
      address: shown(remoteAddress ?? ''),
      ...(host === undefined ? {} : { host: hostPart(host) }),
      ...(origin === undefined ? {} : { origin: hostPart(origin) }),
      suppressed,
    });
  };
}

/** The scheme and host of a header. User name, path and query are removed: they may be secret. */
function hostPart(text: string): string {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(text) ?? [];
  const [authority = ''] = rest.split(/[/?#]/, 1);
  return shown(`${scheme}${authority.slice(authority.lastIndexOf('@') + 1)}`);
}
