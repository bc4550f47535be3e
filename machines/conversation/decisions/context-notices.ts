/** Decides what the followers of a turn must know about the context of a hop: tools that are left out, and what was cut. Pure. */
import type { Notice } from '../events.ts';
import type { HopContext } from '../turn-state.ts';

type ContextNotice = Notice & { data: string };

/** `before`: the context of the turn's last request. Null if there is none. Tools that it left out too are no news. */
export function contextNotices(before: HopContext | null, now: HopContext): ContextNotice[] {
  const notices: ContextNotice[] = [];
  const { provider } = now;
  const { byModel } = now.toolsLeftOut;
  // Tools that the model rejects in the meantime have a notice of their own.
  if (byModel !== null && before?.provider !== provider) notices.push({ ...byModel, details: { provider } });
  const unfitting = unfittingText(now);
  if (unfitting !== '' && (before === null || unfittingText(before) !== unfitting))
    notices.push({ kind: 'tools_left_out', data: unfitting, details: { provider } });
  if (now.cut > 0) {
    const data = `${now.cut} long message${now.cut === 1 ? ' was' : 's were'} cut in the middle to fit the context window.`;
    notices.push({ kind: 'context_truncated', data, details: {} });
  }
  return notices;
}

function unfittingText({ toolsLeftOut: { byWindow }, sizes: { tools } }: HopContext): string {
  const missing = byWindow.reduce((sum, { count }) => sum + count, 0);
  if (missing === 0) return '';
  const servers = byWindow.map(({ server, count }) => `${server}: ${count}`).join(', ');
  return `${missing} of ${tools.count + missing} tools do not fit the context window and are not offered (${servers}).`;
}
