/** Handles the action `complete_argument`: asks an MCP server for completions of an argument or a template's variable. */
import { isUnavailable } from '../../mcp/prompts-and-resources.ts';
import { errorFrame, resultFrame } from '../../protocol/frames.ts';
import type { Payload } from '../../protocol/actions.ts';
import type { ClientSession } from '../session.ts';
import type { ActionDeps } from './action-handler.ts';
import { unavailableFault } from './unavailable-fault.ts';

/** Replies with the completions, or with an error that says why the server cannot be asked. */
export async function handleCompleteArgument(
  { promptsAndResources, delivery }: ActionDeps,
  session: ClientSession,
  requestId: string,
  { server, prompt, uri_template: template = '', argument, known }: Payload<'complete_argument'>,
): Promise<void> {
  const of = prompt === undefined ? { template } : { prompt };
  const completions = await promptsAndResources.complete(server, { of, argument, known }, session.subject);
  const frame = isUnavailable(completions)
    ? errorFrame(requestId, unavailableFault(completions))
    : resultFrame(requestId, {
        values: completions.values,
        total: completions.total,
        has_more: completions.hasMore,
      });
  delivery.reply(session.id, frame);
}
