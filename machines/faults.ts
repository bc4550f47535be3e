/**
 * The faults that the charts themselves find. What their codes mean to people stands in the one table of
 * errors, which the compiler holds to say the same of each.
 */
import type { Fault } from './log.ts';

/** Whether the same request may succeed later. */
export const retryableFaults = {
  budget_exceeded: false,
  conversation_deleted: false,
  conversation_failed: true,
  illegal_in_state: true,
  internal: true,
  overloaded: true,
  recovery_failed: false,
  request_id_reused: false,
  shutting_down: true,
} as const;

export type FaultCode = keyof typeof retryableFaults;

export function fault(code: FaultCode, message: string, data: Record<string, unknown> = {}): Fault {
  return { code, message, retryable: retryableFaults[code], data };
}
