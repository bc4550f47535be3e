/**
 * The real store, held: the server's own `openStore` stands behind this one, and every append and every read of a
 * log waits for the proof's word. In the server's process the hooks of hold-store.ts put it in the store's place.
 */
import type { AppendOutcome, Store } from '../../src/store/port.ts';
import type { OpenStore, StoreOptions } from '../../src/store/store.ts';
import { openStore as openRealStore } from '../../src/store/store.ts';
import { PROVEN } from './conversation-ids.ts';
import { readToStore, type FromStore } from './hold-messages.ts';

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
  fault: { code: 'storage_failed', message: 'The disk refuses, says the proof.', retryable: true, data: {} },
};

function hold(store: Store): Pick<Store, 'append' | 'remove' | 'load' | 'interrupt'> {
  const appends: HeldAppend[] = [];
  const reads: ((works: boolean) => void)[] = [];
  const breaking = new Set<number>();
  let removal: { begin(): void; tell(works: boolean): void } | null = null;
  let holdsNext = false;
  let letGo: () => void = () => {};
  const say = (message: FromStore) => void process.send?.(message);

  function handOver(number: number): void {
    const held = appends[number - 1];
    if (!held) return;
    store.append(held.append, (outcome) => {
      held.outcome = outcome;
      say({ said: 'landed', number, rows: outcome.status === 'stored' ? outcome.rows : [] });
    });
  }

  process.on('message', (message) => {
    const order = readToStore(message);
    switch (order?.say) {
      case 'store':
        return order.numbers.forEach(handOver);
      case 'tell':
        for (const { number, fails } of order.appends) {
          const held = appends[number - 1];
          const outcome = fails ? refused : held?.outcome;
          if (outcome) held?.done(outcome);
        }
        return;
      case 'break':
        breaking.add(order.number);
        return say({ said: 'understood' });
      case 'remove':
        return removal?.begin();
      case 'tellRemoval':
        return removal?.tell(order.works);
      case 'read':
        return reads[order.number - 1]?.(order.works);
      case 'holdLookUp':
        holdsNext = true;
        return say({ said: 'understood' });
      case 'letGo':
        return letGo();
      case undefined:
        return;
    }
  });
  // A server that has nothing else to do may end.
  process.channel?.unref();

  return {
    append(append, done) {
      if (append.conversationId !== PROVEN) return store.append(append, done);
      const number = appends.push({ append, done, outcome: null });
      say({ said: 'append', number, rows: append.rows.map(({ type, extra }) => String(extra['kind'] ?? type)) });
      if (breaking.has(number)) throw new Error('the store throws, says the proof');
    },
    async remove(owner, conversationId) {
      const begun = Promise.withResolvers<void>();
      const told = Promise.withResolvers<boolean>();
      removal = { begin: begun.resolve, tell: told.resolve };
      say({ said: 'removal' });
      const removed = begun.promise
        .then(() => store.remove(owner, conversationId))
        .then((known) => {
          say({ said: 'removed' });
          return known;
        });
      if (!(await told.promise)) throw new Error('the log cannot be removed, says the proof');
      return removed;
    },
    async load(owner, conversationId, tokens, messages) {
      // Without room for any text it is read for a subscriber, who is not to wait.
      if (tokens === 0 || conversationId !== PROVEN) return store.load(owner, conversationId, tokens, messages);
      const word = Promise.withResolvers<boolean>();
      say({ said: 'read', number: reads.push(word.resolve) });
      if (!(await word.promise)) throw new Error('the log cannot be read, says the proof');
      return store.load(owner, conversationId, tokens, messages);
    },
    async interrupt(owner, conversationId, interruptId) {
      const found = await store.interrupt(owner, conversationId, interruptId);
      if (!holdsNext) return found;
      holdsNext = false;
      const released = Promise.withResolvers<void>();
      letGo = released.resolve;
      say({ said: 'lookedUp' });
      await released.promise;
      return found;
    },
  };
}
