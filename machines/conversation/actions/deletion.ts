/**
 * The end of a conversation by its owner's wish, from every state: work stops, what is on its way to the log
 * lands, then the log goes. Nothing of it is answered before that is committed.
 */
import { conversationSetup as setup } from '../setup.ts';

export const deletionActions = {
  addDeleter: setup.assign(({ context, event }) =>
    event.type === 'client.delete' ? { deleters: [...context.deleters, event.by] } : {},
  ),
  removeLog: setup.emit({ type: 'remove' }),
  confirmRemoval: setup.enqueueActions(({ context, enqueue }) => {
    enqueue.emit({ type: 'deleted' });
    for (const to of context.deleters) enqueue.emit({ type: 'reply', to, result: {} });
    enqueue.assign({ deleters: [] });
  }),
  refuseDeleters: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'log.failed') return;
    for (const to of context.deleters) enqueue.emit({ type: 'refuse', to, fault: event.fault });
    enqueue.assign({ deleters: [] });
  }),
};
