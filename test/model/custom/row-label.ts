/** A row of the log in a few words, the same for a row of the chart's and one of the server's: what happened, to which tool, how it ended. */
import type { LogRow } from '../../../machines/log.ts';

export function labelOf({ type, extra }: Pick<LogRow, 'type'> & { extra: LogRow['extra'] | null }): string {
  const { kind, name, status, decision, reason } = extra ?? {};
  const metadata: unknown = extra?.['metadata'];
  const finish =
    typeof metadata === 'object' && metadata !== null && 'finish_reason' in metadata
      ? metadata.finish_reason
      : undefined;
  return [
    kind ?? type,
    name,
    status,
    decision,
    kind === 'cancel' ? reason : undefined,
    kind === 'turn_end' ? finish : undefined,
  ]
    .filter((word) => word !== undefined && word !== null)
    .join(' ');
}
