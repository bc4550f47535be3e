/** What the user expects of a flow, beside what the chart says: each expectation that is not met, as a sentence. */
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
      ? [`${expect.calls.length} calls were expected, and ${results.length} have ended`]
      : []),
    ...(expect.finish_reason !== undefined && expect.finish_reason !== finish
      ? [`the turn was to end with ${expect.finish_reason}, and ended with ${String(finish)}`]
      : []),
    ...(expect.model_sees ?? [])
      .filter((piece) => !modelSaw.includes(piece))
      .map((piece) => `the model was to see ${JSON.stringify(piece)}, and did not`),
  ];
}

/** Only calls that were answered have something to be judged by. */
function ofTool(row: LogEvent, tools: FlowsFile['tools']): string[] {
  const { name, status } = row.extra ?? {};
  const expect = tools[String(name)]?.expect;
  return expect && (status === 'ok' || status === 'error') ? ofCall({ tool: String(name), ...expect }, row) : [];
}

function ofCall({ tool, status, result }: ExpectedCall, row: LogEvent | undefined): string[] {
  if (!row) return [`${tool} was to be called, and was not`];
  const { name, status: ended } = row.extra ?? {};
  return [
    ...(name === tool ? [] : [`${tool} was to be called, and ${String(name)} was`]),
    ...(status === undefined || status === ended
      ? []
      : [`${tool} was to end as ${status}, and ended as ${String(ended)}: ${row.content}`]),
    ...(result === undefined || row.content?.includes(result)
      ? []
      : [`${tool} was to answer with ${JSON.stringify(result)}, and answered ${JSON.stringify(row.content)}`]),
  ];
}
