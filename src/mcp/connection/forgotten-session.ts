/**
 * Recognizes errors of servers that have forgotten the session, after a restart above all. The specification has HTTP 404
 * for it. Servers also send other statuses, or a JSON-RPC error with status 200. A tool can have such words of its own, so
 * a ping in the same session has to confirm it. Pure.
 */
import { ProtocolError, SdkHttpError } from '@modelcontextprotocol/client';
import { sessionIsUnknown } from '../transport/http-transport.ts';

/** Words for a session that the server does not know: the request did not run. */
const UNKNOWN = /not found|unknown|invalid|no valid|not valid|does not exist|expired|no such|required|missing/i;

/** True if the error is about the session. */
export function namesSession(error: unknown): boolean {
  if (error instanceof SdkHttpError && sessionIsUnknown(error.status, true)) return true;
  return (error instanceof SdkHttpError || error instanceof ProtocolError) && /\bsession\b/i.test(error.message);
}

/**
 * True if the server rejected the request because it does not know the session. A session that ended may have ended
 * during the request.
 */
export function rejectsSession(error: unknown): boolean {
  return namesSession(error) && error instanceof Error && UNKNOWN.test(error.message);
}
