/**
 * Builds the options of the SDK's client: the protocol revisions that it offers, and no validation of results.
 */
import type { ClientOptions } from '@modelcontextprotocol/client';
import type { ProtocolChoice } from '../config/server-block.ts';

/** Revisions since this one have no `initialize`. */
export const FIRST_STATELESS_REVISION = '2026-07-28';

function negotiation(protocol: ProtocolChoice): ClientOptions {
  if (typeof protocol === 'string') return { versionNegotiation: { mode: protocol === 'auto' ? 'auto' : 'legacy' } };
  if (protocol.revision >= FIRST_STATELESS_REVISION)
    return { versionNegotiation: { mode: { pin: protocol.revision } } };
  return { supportedProtocolVersions: [protocol.revision] };
}

/**
 * Replaces the SDK's validation of results against the server's output schema. Parley does not need it, and an
 * untrusted schema, compiled, can block the process or end it (an unhandled rejection).
 */
function takeUnchecked(result: unknown): { valid: true; data: never; errorMessage: undefined } {
  // `never` fits every type that the SDK expects.
  return { valid: true, data: result as never, errorMessage: undefined };
}

export function startingOptions(protocol: ProtocolChoice): ClientOptions {
  return { ...negotiation(protocol), jsonSchemaValidator: { getValidator: () => takeUnchecked } };
}
