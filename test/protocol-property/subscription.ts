/**
 * A subscription as its client sees it, from its `result` on: the rows one after the other, and nothing about a row
 * before the row itself.
 */
import type { Frame } from '../../src/protocol/frames.ts';
import { tell, type Complain } from './complaint.ts';
import { goBack, lastSeq, writtenIn, type Holding, type Place, type Row } from './holding.ts';

export interface Subscription {
  /** The last state that it was told; null before. */
  readonly state: string | null;
  /** True until it was shown what was there when it began. */
  isBehind(): boolean;
  /** Of a frame that comes live. */
  hearLive(frame: Frame): void;
  /** Of a frame about the row `seq`, if it is about one. */
  hearOf(seq: number | undefined, frame: Frame): void;
  hearRow(row: Row): void;
  hearState(value: string): void;
  /** Some message was taken back. */
  hearReset(): void;
}

/** `own`: the messages that the same client holds of turns of its own. */
export function subscribe(
  holding: Holding,
  place: Place,
  result: Record<string, unknown>,
  own: ReadonlySet<string>,
  complain: Complain,
): Subscription {
  const { head_seq: head, oldest_seq: oldest, reset, truncated } = result;
  if (truncated === true) complain('gap', 'rows are said to be gone that nobody took away');
  goBack(holding, place, reset === true ? Number(oldest) - 1 : place.cursor.after_seq, own);
  let state: string | null = null;
  /** A message that nobody knows is taken back before anything is shown. */
  let owesReset = place.cursor.message_id !== undefined && place.held === null;
  const isBehind = () => lastSeq(holding) < Number(head);

  return {
    get state() {
      return state;
    },
    isBehind,
    hearLive(frame) {
      if (isBehind())
        complain('early', `row ${lastSeq(holding)} of ${String(head)} was shown, and there came ${tell(frame)}`);
    },
    hearOf(seq, frame) {
      if (seq !== undefined && seq > lastSeq(holding))
        complain('order', `row ${lastSeq(holding)} is the last that was shown, and there came ${tell(frame)}`);
    },
    hearRow(row) {
      const last = lastSeq(holding);
      if (owesReset) complain('reset', `row ${row.seq} came before the message was taken back that nobody knows`);
      if (row.seq !== last + 1)
        return complain(row.seq > last ? 'gap' : 'repeat', `row ${last} was shown, and there came row ${row.seq}`);
      holding.rows.push(row);
      if (row.type !== 'assistant_message') return undefined;
      const held = holding.texts.get(row.id);
      const written = writtenIn(row);
      const goesOn =
        held === undefined || (written.text.startsWith(held.text) && written.reasoning.startsWith(held.reasoning));
      if (!goesOn) complain('text', `${tell(held)} is held of what row ${row.seq} has as ${tell(written)}`);
      holding.texts.set(row.id, written);
      if (holding.writing === row.id) holding.writing = null;
      return undefined;
    },
    hearState(value) {
      state = value;
    },
    hearReset() {
      owesReset = false;
    },
  };
}
