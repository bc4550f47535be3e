/**
 * What whoever runs the server should hear of providers: that one is left alone, and that it answers again.
 * Conversations are told by their turns.
 */
import type { Logger } from 'pino';
import type { ProviderStatus } from '../llm/port.ts';

/** Logs a change of a provider's circuit. */
export function reportProvider({ name, circuit, error }: ProviderStatus, log: Pick<Logger, 'info' | 'warn'>): void {
  if (circuit === 'open')
    log.warn({ provider: name, error }, 'provider left alone for a while: it fails time and again');
  if (circuit === 'closed') log.info({ provider: name }, 'provider answers again');
}
