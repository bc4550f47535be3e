/**
 * Builds the options of the SDK's client: the one older revision that a block names, and no validation of results.
 */
import type { ClientOptions } from '@modelcontextprotocol/client';
import type { ProtocolChoice } from '../config/server-block.ts';

/** Revisions since this one have no `initialize`. */
export const FIRST_STATELESS_REVISION = '2026-07-28';

/** True from the first revision without sessions. Revisions are dates, which sort as text. */
export function isStateless(revision: string): boolean {
  return revision >= FIRST_STATELESS_REVISION;
}

/**
 * Replaces the SDK's validation of results against the server's output schema. Parley does not need it, and an
 * untrusted schema, compiled, can block the process or end it (an unhandled rejection).
 */
function takeUnchecked(result: unknown): { valid: true; data: never; errorMessage: undefined } {
  // `never` fits every type that the SDK expects.
  return { valid: true, data: result as never, errorMessage: undefined };
}

/** The options before the first request. Only a revision that needs a session is fixed. */
export function startingOptions(protocol: ProtocolChoice): ClientOptions {
  const supportedProtocolVersions =
    typeof protocol === 'object' && !isStateless(protocol.revision) ? [protocol.revision] : undefined;
  return {
    ...(supportedProtocolVersions && { supportedProtocolVersions }),
    jsonSchemaValidator: { getValidator: () => takeUnchecked },
  };
}
