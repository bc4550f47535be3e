/** Compares a flow with the user's expectations. Returns each unmet one as a sentence. */
import type { LogEvent } from '../../../src/protocol/log-event.ts';
import type { ExpectedCall, FlowsFile } from './flows-file.ts';
import type { CustomFlow } from './custom-flow.ts';
import type { PlayedFlow } from './play-custom.ts';

export function unmetExpectations(
  { expect, isWritten }: CustomFlow,
  { rows, modelSaw }: PlayedFlow,
  tools: FlowsFile['tools'],
): string[] {
  const results = rows.filter(({ type }) => type === 'tool_result');
  const metadata: unknown = rows.findLast((row) => row.extra?.['kind'] === 'turn_end')?.extra?.['metadata'];
  const finish =
    typeof metadata === 'object' && metadata !== null && 'finish_reason' in metadata
      ? metadata.finish_reason
      : 'an error';
  return [
    ...(isWritten ? [] : results.flatMap((row) => ofTool(row, tools))),
    ...(expect.calls ?? []).flatMap((call, index) => ofCall(call, results[index])),
    ...(expect.calls && results.length > expect.calls.length
      ? [`expected ${expect.calls.length} calls; ${results.length} have ended`]
      : []),
    ...(expect.finish_reason !== undefined && expect.finish_reason !== finish
      ? [`expected the turn to end with ${expect.finish_reason}; it ended with ${String(finish)}`]
      : []),
    ...(expect.model_sees ?? [])
      .filter((piece) => !modelSaw.includes(piece))
      .map((piece) => `expected the model to see ${JSON.stringify(piece)}; it did not`),
  ];
}

/** Only calls with an answer can be compared. */
function ofTool(row: LogEvent, tools: FlowsFile['tools']): string[] {
  const { name, status } = row.extra ?? {};
  const expect = tools[String(name)]?.expect;
  return expect && (status === 'ok' || status === 'error') ? ofCall({ tool: String(name), ...expect }, row) : [];
}

function ofCall({ tool, status, result }: ExpectedCall, row: LogEvent | undefined): string[] {
  if (!row) return [`expected a call of ${tool}; there was none`];
  const { name, status: ended } = row.extra ?? {};
  return [
    ...(name === tool ? [] : [`expected a call of ${tool}; ${String(name)} was called`]),
    ...(status === undefined || status === ended
      ? []
      : [`expected ${tool} to end as ${status}; it ended as ${String(ended)}: ${row.content}`]),
    ...(result === undefined || row.content?.includes(result)
      ? []
      : [`expected ${tool} to answer with ${JSON.stringify(result)}; it answered ${JSON.stringify(row.content)}`]),
  ];
}
