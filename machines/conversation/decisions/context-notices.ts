/** Decides what the followers of a turn must know about the context of a hop: what was cut, and what did not fit. Pure. */
import type { Notice } from '../events.ts';
import type { HopContext } from '../turn-state.ts';

/** `before`: the context of the turn's last request. Null if there is none. Tools that it left out too are no news. */
export function contextNotices(before: HopContext | null, now: HopContext): { kind: Notice['kind']; data: string }[] {
  const notices: { kind: Notice['kind']; data: string }[] = [];
  const leftOut = leftOutText(now);
  if (leftOut !== '' && (before === null || leftOutText(before) !== leftOut))
    notices.push({ kind: 'tools_left_out', data: leftOut });
  if (now.cut > 0) {
    const data = `${now.cut} long message${now.cut === 1 ? ' was' : 's were'} cut in the middle to fit the context window.`;
    notices.push({ kind: 'context_truncated', data });
  }
  return notices;
}

function leftOutText({ toolsLeftOut, sizes: { tools } }: HopContext): string {
  const missing = toolsLeftOut.reduce((sum, { count }) => sum + count, 0);
  if (missing === 0) return '';
  const servers = toolsLeftOut.map(({ server, count }) => `${server}: ${count}`).join(', ');
  return `${missing} of ${tools.count + missing} tools do not fit the context window and are not offered (${servers}).`;
}
