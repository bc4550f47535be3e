/**
 * Wraps the real store: every append and every read of a log waits for a command of the proof. In the server's process
 * the hook in held-store-hook.ts puts this module in the place of the real one.
 */
import type { AppendOutcome, Store } from '../../src/store/port.ts';
import type { OpenStore, StoreOptions } from '../../src/store/store.ts';
import { openStore as openRealStore } from '../../src/store/store.ts';
import { HELD_CONVERSATION, parseStoreCommand, type StoreEvent } from './held-store-messages.ts';

export function openStore(options: StoreOptions): OpenStore {
  const opened = openRealStore(options);
  return { ...opened, store: { ...opened.store, ...hold(opened.store) } };
}

interface HeldAppend {
  append: Parameters<Store['append']>[0];
  done(outcome: AppendOutcome): void;
  /** Null until the real store has answered. */
  outcome: AppendOutcome | null;
}

const refused: AppendOutcome = {
  status: 'failed',
  fault: { code: 'storage_failed', message: 'The proof makes the write fail.', retryable: true, data: {} },
};

function hold(store: Store): Pick<Store, 'append' | 'remove' | 'load' | 'interrupt'> {
  const appends: HeldAppend[] = [];
  const reads: ((works: boolean) => void)[] = [];
  const breaking = new Set<number>();
  let removal: { begin(): void; acknowledge(works: boolean): void } | null = null;
  let holdsNext = false;
  let releaseLookUp: () => void = () => {};
  const report = (message: StoreEvent) => void process.send?.(message);

  function handOver(number: number): void {
    const held = appends[number - 1];
    if (!held) return;
    store.append(held.append, (outcome) => {
      held.outcome = outcome;
      report({ event: 'landed', number, rows: outcome.status === 'stored' ? outcome.rows : [] });
    });
  }

  process.on('message', (message) => {
    const command = parseStoreCommand(message);
    switch (command?.command) {
      case 'store':
        return command.numbers.forEach(handOver);
      case 'acknowledge':
        for (const { number, fails } of command.appends) {
          const held = appends[number - 1];
          const outcome = fails ? refused : held?.outcome;
          if (outcome) held?.done(outcome);
        }
        return;
      case 'break':
        breaking.add(command.number);
        return report({ event: 'ready' });
      case 'remove':
        return removal?.begin();
      case 'acknowledgeRemoval':
        return removal?.acknowledge(command.works);
      case 'read':
        return reads[command.number - 1]?.(command.works);
      case 'holdLookUp':
        holdsNext = true;
        return report({ event: 'ready' });
      case 'releaseLookUp':
        return releaseLookUp();
      case undefined:
        return;
    }
  });
  // The channel must not keep alive a server that has nothing else to do.
  process.channel?.unref();

  return {
    append(append, done) {
      if (append.conversationId !== HELD_CONVERSATION) return store.append(append, done);
      const number = appends.push({ append, done, outcome: null });
      report({ event: 'append', number, rows: append.rows.map(({ type, extra }) => String(extra['kind'] ?? type)) });
      if (breaking.has(number)) throw new Error('the proof makes the store throw');
    },
    async remove(owner, conversationId) {
      const begun = Promise.withResolvers<void>();
      const acknowledged = Promise.withResolvers<boolean>();
      removal = { begin: begun.resolve, acknowledge: acknowledged.resolve };
      report({ event: 'removal' });
      const removed = begun.promise
        .then(() => store.remove(owner, conversationId))
        .then((known) => {
          report({ event: 'removed' });
          return known;
        });
      if (!(await acknowledged.promise)) throw new Error('the proof makes the removal fail');
      return removed;
    },
    async load(owner, conversationId, tokens, messages) {
      // Zero tokens mean that a subscriber reads. Such a read is not held.
      if (tokens === 0 || conversationId !== HELD_CONVERSATION)
        return store.load(owner, conversationId, tokens, messages);
      const word = Promise.withResolvers<boolean>();
      report({ event: 'read', number: reads.push(word.resolve) });
      if (!(await word.promise)) throw new Error('the proof makes the read fail');
      return store.load(owner, conversationId, tokens, messages);
    },
    async interrupt(owner, conversationId, interruptId) {
      const found = await store.interrupt(owner, conversationId, interruptId);
      if (!holdsNext) return found;
      holdsNext = false;
      const released = Promise.withResolvers<void>();
      releaseLookUp = released.resolve;
      report({ event: 'lookedUp' });
      await released.promise;
      return found;
    },
  };
}
