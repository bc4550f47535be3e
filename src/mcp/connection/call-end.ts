/**
 * Converts each way in which the SDK ends a tool call into a `CallEnd`. It matters whether the server may have acted:
 * a call that was `not_sent` may always be repeated, a `lost` one only if the tool is idempotent.
 */
import {
  InsufficientScopeError,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import type { CallToolResult } from '@modelcontextprotocol/client';
import { isDeeperThan } from '../../json.ts';
import { renewalFailure } from '../oauth/renewal.ts';
import { STREAM_ENDED, sessionIsUnknown, unsentCode } from '../transport/http-transport.ts';
import { differsByAudience } from '../content/audience.ts';
import { withoutLargeImages } from '../content/images.ts';
import { cutMiddle, resultText } from '../content/result-text.ts';
import type { CallEnd } from '../port.ts';
import { sdkMessage } from './sdk-message.ts';
import { sanitizeText } from '../content/sanitize-text.ts';

/** The server has answered, and the client cannot use the answer. */
const ANSWERED = new Set<string>([
  SdkErrorCode.InvalidResult,
  SdkErrorCode.UnsupportedResultType,
  SdkErrorCode.CapabilityNotSupported,
  SdkErrorCode.InputRequiredRoundsExceeded,
]);

/** Follows the server's name. */
export const UNKNOWN_SESSION = 'does not know this session';

/** Of a result: storing, showing and cutting it recurse level by level. */
const MAX_RESULT_LEVELS = 200;

/** A server's error text may hold a whole HTML page. */
const MAX_ERROR_CHARS = 1_000;

function errorText(error: unknown): string {
  return sanitizeText(cutMiddle(error instanceof Error ? sdkMessage(error) : String(error), MAX_ERROR_CHARS));
}

/** Says what is wrong with a server, to follow its name. For people; the body of an HTTP response is left out. */
export function reasonOf(error: unknown): string {
  const code = unsentCode(error);
  if (code !== null && renewalFailure(error) === null) return `cannot be reached (${code})`;
  if (error instanceof SdkHttpError) return `answered HTTP ${error.status}`;
  // One line: some of the SDK's messages are lists.
  return errorText(renewalFailure(error) ?? error)
    .replace(/\s+/g, ' ')
    .trim();
}

/** Makes the end of a call that the server answered. */
export function endOfResult(
  result: CallToolResult,
  { maxResultTokens, maxImageBytes }: { maxResultTokens: number; maxImageBytes: number },
): CallEnd {
  if (isDeeperThan(result, MAX_RESULT_LEVELS))
    return {
      status: 'error',
      text: `Parley rejected the tool's result because it has more than ${MAX_RESULT_LEVELS} levels. The call may have taken effect.`,
      content: null,
    };
  const { structuredContent, isError } = result;
  const content = withoutLargeImages(result.content, maxImageBytes);
  return {
    status: isError === true ? 'error' : 'ok',
    text: resultText({ content, structuredContent }, maxResultTokens),
    content: {
      content,
      ...(structuredContent === undefined ? {} : { structuredContent }),
      ...(differsByAudience(content)
        ? { user_text: resultText({ content, structuredContent }, maxResultTokens, 'user') }
        : {}),
    },
  };
}

/** Makes the end of a call that did not reach the server. `reason` follows the server's name. */
export function notSent(server: string, reason: string): CallEnd {
  return { status: 'not_sent', text: `The call was not made: the MCP server "${server}" ${reason}.` };
}

/** Makes the end of a call that the SDK rejected. `hadSession`: the request carried a session id. */
export function endOfFailure(error: unknown, server: string, hadSession: boolean): CallEnd {
  const failed = (text: string): CallEnd => ({ status: 'error', text, content: null });
  const lost = (text: string): CallEnd => ({ status: 'lost', text });

  if (renewalFailure(error) !== null) return notSent(server, reasonOf(error));
  if (error instanceof ProtocolError) {
    if (error.data === STREAM_ENDED) return lost(`The MCP server "${server}" ended the stream before it answered.`);
    return failed(errorText(error));
  }
  if (error instanceof SdkHttpError) {
    if (sessionIsUnknown(error.status, hadSession)) return notSent(server, UNKNOWN_SESSION);
    // The server or a proxy rejected the request before the call began.
    if (error.status < 500)
      return failed(`The MCP server "${server}" refused the call (HTTP ${error.status}): ${errorText(error)}`);
    return lost(`The MCP server "${server}" failed during the call (HTTP ${error.status}).`);
  }
  if (error instanceof SdkError) {
    if (error.code === SdkErrorCode.NotConnected) return notSent(server, 'is not connected');
    if (ANSWERED.has(error.code)) return failed(errorText(error));
    if (error.code === SdkErrorCode.RequestTimeout) return lost(`The MCP server "${server}" did not answer in time.`);
  }
  if (error instanceof InsufficientScopeError)
    return failed(
      `The MCP server "${server}" refused the call: it requires a scope that Parley was not granted${error.requiredScope === undefined ? '' : ` (${cutMiddle(error.requiredScope, MAX_ERROR_CHARS)})`}.`,
    );
  if (error instanceof UnauthorizedError) return notSent(server, reasonOf(error));
  if (unsentCode(error) !== null) return notSent(server, reasonOf(error));
  return lost(`The connection to the MCP server "${server}" was lost during the call.`);
}
