/** Handles the action `ping`: replies with an empty result. */
import { resultFrame } from '../../protocol/frames.ts';
import type { ClientSession } from '../session.ts';
import type { ActionDeps } from './action-handler.ts';

/** Replies at once. Returns null: there is nothing to wait for. */
export function handlePing({ delivery }: ActionDeps, session: ClientSession, requestId: string): null {
  delivery.reply(session.id, resultFrame(requestId, {}));
  return null;
}
