/**
 * How the SDK's client is set up before it knows its server: which revisions it offers, and what it leaves unchecked.
 */
import type { ClientOptions } from '@modelcontextprotocol/client';
import type { ProtocolChoice } from '../config/server-block.ts';

/** Revisions from this one on know no `initialize`. */
export const FIRST_STATELESS_REVISION = '2026-07-28';

function negotiation(protocol: ProtocolChoice): ClientOptions {
  if (typeof protocol === 'string') return { versionNegotiation: { mode: protocol === 'auto' ? 'auto' : 'legacy' } };
  if (protocol.revision >= FIRST_STATELESS_REVISION)
    return { versionNegotiation: { mode: { pin: protocol.revision } } };
  return { supportedProtocolVersions: [protocol.revision] };
}

/**
 * In place of the SDK's check of a result against what its server says of it: nothing rests on that here, and
 * a schema by strangers, compiled, can end the process (a promise that rejects unheard) or hold it up.
 */
function takeUnchecked(result: unknown): { valid: true; data: never; errorMessage: undefined } {
  // Whatever type the SDK expects there: `never` goes into any.
  return { valid: true, data: result as never, errorMessage: undefined };
}

export function startingOptions(protocol: ProtocolChoice): ClientOptions {
  return { ...negotiation(protocol), jsonSchemaValidator: { getValidator: () => takeUnchecked } };
}
