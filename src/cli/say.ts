/**
 * Runs the command `say`: sends one message to the running server and prints the answer as it arrives. The answer goes to
 * standard output, everything else about the turn to standard error.
 */
import { once } from 'node:events';
import { connect } from '../client/client.ts';
import { ParleyError } from '../client/errors.ts';
import type { Turn } from '../client/turn.ts';
import { AppError } from '../errors.ts';
import { serverName } from './server-name.ts';

/** The message and its server. */
export interface SayOptions {
  text: string;
  /** From the configuration of the server. */
  host: string;
  port: number;
  endpoint: string;
  /** Null for none. */
  token: string | null;
  /** Cancels the turn when it aborts. */
  signal: AbortSignal;
}

/** With the client's delays about three seconds, for a server that is still starting. */
const ATTEMPTS = 5;

/** Resolves when the turn has ended. Rejects with an AppError that says why no answer came. */
export async function say({ text, host, port, endpoint, token, signal }: SayOptions): Promise<void> {
  try {
    const client = connect(`ws://${serverName(host, port)}${endpoint}`, {
      reconnect: { attempts: ATTEMPTS },
      ...(token === null ? {} : { token }),
    });
    try {
      await print(client.chat(text, { signal }));
    } finally {
      client.close();
    }
  } catch (error) {
    throw error instanceof ParleyError ? toAppError(error) : error;
  }
}

async function print(turn: Turn): Promise<void> {
  for await (const chunk of turn) {
    switch (chunk.type) {
      case 'text':
        await write(chunk.data);
        break;
      case 'tool_call':
        note(`calls ${chunk.name} ${chunk.data}`);
        break;
      case 'tool_result':
        note(`${chunk.name}: ${chunk.status === 'ok' ? '' : `${chunk.status}: `}${chunk.data}`);
        break;
      case 'notice':
        note(chunk.data);
        break;
      case 'reset':
        note('The answer begins again.');
        break;
      case 'approval_request':
      case 'elicitation_request':
        note(`${chunk.name} needs an answer, which this command cannot give: ${chunk.data} The turn is stopped.`);
        await turn.cancel();
        break;
      case 'reasoning':
      case 'tool_progress':
        break;
    }
  }
  await write('\n');
  const { metadata } = await turn.end;
  if (metadata.finish_reason !== 'stop') note(`ended: ${metadata.finish_reason}`);
}

/** Removes control characters of models and tools, except line breaks and tabs, because a terminal executes them. */
// oxlint-disable-next-line no-control-regex
const printable = (text: string) => text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');

async function write(text: string): Promise<void> {
  if (!process.stdout.write(printable(text))) await once(process.stdout, 'drain');
}

function note(text: string): void {
  process.stderr.write(`${printable(text)}\n`);
}

function toAppError({ code, message }: ParleyError): AppError {
  if (code === 'unauthorized')
    return new AppError(
      'unauthorized',
      `${message} This command takes a token from the environment variable PARLEY_TOKEN.`,
    );
  if (code === 'unreachable')
    return new AppError(
      'not_found',
      `${message} Start one with ./run.sh, or name the port of a running one with --port.`,
    );
  return new AppError('internal', message);
}
