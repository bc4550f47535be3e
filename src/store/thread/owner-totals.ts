/**
 * Keeps what each owner has and uses, and compares it with the quotas. The totals are rows of the file: they change in the
 * transaction of what they count, so they survive a restart. Runs in the write thread.
 */
import type { Database } from 'better-sqlite3';
import type { Fault } from '../../../machines/log.ts';
import { quotaFault, type Quotas, type QuotaUse } from '../../../machines/quota.ts';
import type { Spent } from '../../../machines/usage.ts';

/** What is added to the totals of an owner. Bytes may be negative. */
export interface OwnerChange extends Spent {
  conversations: number;
  bytes: number;
  turns: number;
  forks: number;
}

export interface OwnerTotals {
  /** The fault `quota_exceeded` if the owner may not have this too. `now`: ISO 8601. */
  refusal(owner: string, now: string, wanted: QuotaUse): Fault | null;
  /** Counts a change, in the minute and the day of `now` (ISO 8601). */
  add(owner: string, now: string, change: Partial<OwnerChange>): void;
  /** Takes away what is deleted. The sums of the minute and the day stay. */
  remove(owner: string, deleted: { conversations: number; bytes: number }): void;
}

interface StoredTotals extends OwnerChange {
  minute: string;
  day: string;
}

const NOTHING: OwnerChange = { conversations: 0, bytes: 0, turns: 0, tokens: 0, cost: 0, forks: 0 };

/** `quotas` is read for each refusal. */
export function createOwnerTotals(db: Database, quotas: () => Quotas): OwnerTotals {
  const find = db.prepare<[string], StoredTotals>(`
    SELECT conversations, bytes, minute, turns, day, tokens, cost, forks FROM owner_totals WHERE owner = ?`);
  const sum = (column: string, period: string) =>
    `${column} = excluded.${column} + CASE ${period} WHEN excluded.${period} THEN ${column} ELSE 0 END`;
  const add = db.prepare<StoredTotals & { owner: string }>(`
    INSERT INTO owner_totals (owner, conversations, bytes, minute, turns, day, tokens, cost, forks)
    VALUES (@owner, @conversations, @bytes, @minute, @turns, @day, @tokens, @cost, @forks)
    ON CONFLICT (owner) DO UPDATE SET
      conversations = conversations + excluded.conversations, bytes = bytes + excluded.bytes,
      minute = excluded.minute, ${sum('turns', 'minute')},
      day = excluded.day, ${sum('tokens', 'day')}, ${sum('cost', 'day')}, ${sum('forks', 'day')}`);
  const remove = db.prepare<{ owner: string; conversations: number; bytes: number }>(`
    UPDATE owner_totals SET conversations = conversations - @conversations, bytes = bytes - @bytes WHERE owner = @owner`);

  return {
    refusal(owner, now, wanted) {
      const stored = find.get(owner);
      const { minute, day } = periodsOf(now);
      const used: QuotaUse = stored
        ? {
            conversations: stored.conversations,
            stored_bytes: stored.bytes,
            ...(stored.minute === minute ? { turns_per_minute: stored.turns } : {}),
            ...(stored.day === day
              ? { tokens_per_day: stored.tokens, cost_per_day: stored.cost, forks_per_day: stored.forks }
              : {}),
          }
        : {};
      return quotaFault(quotas(), used, wanted, Date.parse(now));
    },
    add(owner, now, change) {
      add.run({ ...NOTHING, ...change, ...periodsOf(now), owner });
    },
    remove(owner, deleted) {
      remove.run({ owner, ...deleted });
    },
  };
}

/** The UTC minute and day of a time in ISO 8601. */
function periodsOf(now: string): { minute: string; day: string } {
  return { minute: now.slice(0, 'yyyy-mm-ddThh:mm'.length), day: now.slice(0, 'yyyy-mm-dd'.length) };
}
