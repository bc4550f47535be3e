/**
 * Defines the faults that the charts themselves raise. src/error-codes.ts documents their codes. The compiler
 * checks that both agree.
 */
import type { Fault } from './log.ts';

/** True if the same request may succeed later. */
export const retryableFaults = {
  answer_timeout: false,
  budget_exceeded: false,
  conversation_deleted: false,
  conversation_failed: true,
  illegal_in_state: true,
  internal: true,
  overloaded: true,
  provider_empty: true,
  recovery_failed: false,
  request_id_reused: false,
  shutting_down: true,
  turn_timeout: false,
} as const;

/** A code that a chart raises itself. */
export type FaultCode = keyof typeof retryableFaults;

/** A fault that a chart raises. `data`: further fields of the `error` frame. */
export function chartFault(code: FaultCode, message: string, data: Record<string, unknown> = {}): Fault {
  return { code, message, retryable: retryableFaults[code], data };
}
