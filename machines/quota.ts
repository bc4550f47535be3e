/**
 * Compares what a subject has with its quotas. Pure. The write thread asks before it stores a new turn or a fork, and the
 * registry before it opens a conversation.
 */
import { chartFault } from './faults.ts';
import type { Fault } from './log.ts';
import { roundCost } from './usage.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** `periodMs`: the amount is counted again from 0 in each UTC minute or day. Null: it is what the subject has now. */
const kinds = [
  { quota: 'turns_per_minute', unit: 'turns a minute', periodMs: MINUTE_MS, remedy: '' },
  { quota: 'tokens_per_day', unit: 'tokens a day', periodMs: DAY_MS, remedy: '' },
  { quota: 'cost_per_day', unit: 'in cost a day', periodMs: DAY_MS, remedy: '' },
  { quota: 'forks_per_day', unit: 'forks a day', periodMs: DAY_MS, remedy: '' },
  { quota: 'conversations', unit: 'conversations', periodMs: null, remedy: 'Delete one' },
  { quota: 'stored_bytes', unit: 'bytes stored', periodMs: null, remedy: 'Delete conversations' },
  {
    quota: 'live_conversations',
    unit: 'conversations in memory',
    periodMs: null,
    remedy: 'Wait until one was idle for chat.service.idle_timeout',
  },
] as const;

export type QuotaName = (typeof kinds)[number]['quota'];

/** The limits of one subject. Null: no limit. */
export type Quotas = Readonly<Record<QuotaName, number | null>>;

export const noQuotas: Quotas = {
  turns_per_minute: null,
  tokens_per_day: null,
  cost_per_day: null,
  forks_per_day: null,
  conversations: null,
  stored_bytes: null,
  live_conversations: null,
};

/** What a subject has, or has used in the current minute or day. */
export type QuotaUse = Readonly<Partial<Record<QuotaName, number>>>;

/**
 * The fault `quota_exceeded` for the first quota that has no room for what is `wanted`. Null if all have. Wanting 0 needs
 * any room at all: the tokens of a turn are unknown before, so the last turns may exceed their quota.
 */
export function quotaFault(quotas: Quotas, used: QuotaUse, wanted: QuotaUse, nowMs: number): Fault | null {
  for (const { quota, unit, periodMs, remedy } of kinds) {
    const limit = quotas[quota];
    const more = wanted[quota];
    const has = used[quota] ?? 0;
    if (limit === null || more === undefined || (more === 0 ? has < limit : has + more <= limit)) continue;
    const amount = `${roundCost(has)} of ${limit} ${unit}`;
    if (periodMs === null)
      return chartFault(
        'quota_exceeded',
        `This subject has ${amount}, and this needs ${more} more. ${remedy}, or raise quota.${quota}.`,
        { quota, limit, used: has },
      );
    const waitMs = periodMs - (nowMs % periodMs);
    const when = new Date(nowMs + waitMs).toISOString();
    return chartFault(
      'quota_exceeded',
      `This subject has used ${amount}. Send again at ${when}, or raise quota.${quota}.`,
      { quota, limit, used: has, retry_after_ms: waitMs },
    );
  }
  return null;
}
