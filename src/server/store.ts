/** Builds the event store. */
import { ANONYMOUS } from '../auth/verifier.ts';
import { quotas, storeOptions } from '../config/options.ts';
import type { Metrics } from '../observability/metrics.ts';
import { openStore } from '../store/store.ts';
import type { StartContext } from './context.ts';

/** Opens nothing: the database opens when the actor of `writerLogic` starts. */
export function createStore(
  { settings, log, onError }: StartContext,
  { batchCommitted }: Pick<Metrics, 'batchCommitted'>,
) {
  const opening = openStore(
    settings.follow((now) => ({
      ...storeOptions(now),
      quotas: quotas(now),
      legacyOwner: ANONYMOUS,
      onError,
      onLegacyImport: ({ backup, conversations, rows }) =>
        log.warn({ backup, conversations, rows }, 'database of another program: copied, then imported'),
      onBatch: ({ appends, rows, commitMs }) => batchCommitted(appends, rows, commitMs / 1000),
    })),
  );
  settings.onApply(opening.update);
  return opening;
}
