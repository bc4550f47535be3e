/** Handles the action `complete_argument`: asks an MCP server for completions of an argument or a template's variable. */
import { isMissing } from '../../mcp/library.ts';
import { errorFrame, resultFrame } from '../../protocol/frames.ts';
import type { Payload } from '../../protocol/actions.ts';
import type { ClientSession } from '../session.ts';
import type { ActionDeps } from './action-handler.ts';
import { missingFault } from './missing-fault.ts';

export async function handleCompleteArgument(
  { library, outbox }: ActionDeps,
  session: ClientSession,
  requestId: string,
  { server, prompt, uri_template: template = '', argument, known }: Payload<'complete_argument'>,
): Promise<void> {
  const of = prompt === undefined ? { template } : { prompt };
  const completions = await library.complete(server, { of, argument, known });
  const frame = isMissing(completions)
    ? errorFrame(requestId, missingFault(completions))
    : resultFrame(requestId, {
        values: completions.values,
        total: completions.total,
        has_more: completions.hasMore,
      });
  outbox.reply(session.id, frame);
}
