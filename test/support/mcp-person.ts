/** Plays a person in tests without a conversation: answers every request of a call until the call ends. */
import type { ServerAnswer, ServerRequest } from '../../machines/conversation/question-types.ts';
import type { CallEnd, CallOptions } from '../../src/mcp/port.ts';

type Call = (name: string, args: Record<string, unknown>, options: Partial<CallOptions>) => Promise<CallEnd>;

/** The server may wait for the answers, or suspend the call and get it again with them. */
export async function callAnswering(
  call: Call,
  name: string,
  args: Record<string, unknown>,
  answer: (ask: ServerRequest) => ServerAnswer,
): Promise<CallEnd> {
  const ask = async (asked: ServerRequest) => answer(asked);
  let end = await call(name, args, { requestInput: ask });
  while (end.status === 'suspended') {
    const answered = end.inputRequests.map((asked) => ({ ...asked, answer: answer(asked.ask) }));
    end = await call(name, args, {
      requestInput: ask,
      resume: { ...end.resume, answered: [...end.resume.answered, ...answered] },
    });
  }
  return end;
}
