/**
 * Implements an MCP transport over the pipes of a child process. Unlike the SDK's transport, it starts the child in its
 * own process group, registers it with the child reaper, keeps Parley's secrets out of its environment, and ends the
 * whole group. It does not interpret messages.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { SdkError, SdkErrorCode, serializeMessage } from '@modelcontextprotocol/client';
import type { Transport } from '@modelcontextprotocol/client';
import type { MessageReader } from '../lenient/message-reader.ts';
import type { ChildReaper } from './child-reaper.ts';
import { createMessageBuffer } from './message-buffer.ts';
import type { StdioServer } from '../config/server-block.ts';
import { sanitizeText } from '../content/sanitize-text.ts';

/** What the transport of a program needs. */
export interface StdioOptions {
  reaper: ChildReaper;
  reader: MessageReader;
  /** A line of the child's stderr, or the reason why it could not be started. */
  output(line: string): void;
  /** A longer message ends the connection. */
  maxMessageBytes: number;
  /** How long a child may take to exit after EOF, and again after SIGTERM. */
  closeGraceMs: number;
}

/** The transport to one program. */
export interface StdioTransport extends Transport {
  /** The SDK recognizes a stdio transport by `pid` and `stderr` when it negotiates. */
  readonly pid: number | null;
  readonly stderr: null;
  /** Why the child ended by itself, fit for people. Null while it runs. */
  ending(): string | null;
}

/** What every program needs. A server gets other variables, API keys above all, only if its block lists them. */
const INHERITED = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'TMPDIR'];

/** How long the pipes stay open after the exit. A stray grandchild may hold them; the child's own output has arrived by then. */
const OUTPUT_GRACE_MS = 250;

function childEnvironment(listed: Record<string, string>): Record<string, string> {
  const inherited = INHERITED.map((key) => [key, process.env[key]] as const);
  const present = inherited.filter((entry): entry is readonly [string, string] => entry[1] !== undefined);
  return { ...Object.fromEntries(present), ...listed };
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // ESRCH: the group has no process left.
  }
}

/** Starts the server when the client connects. Ends its process group when it closes. */
export function createStdioTransport(server: StdioServer, options: StdioOptions): StdioTransport {
  const incoming = createMessageBuffer(options.maxMessageBytes, (received) => options.reader.read(received));
  let child: ChildProcessWithoutNullStreams | null = null;
  let exited: Promise<void> = Promise.resolve();
  let closing: Promise<void> | null = null;
  let ending: string | null = null;
  let announced = false;

  const announceClose = () => {
    if (announced) return;
    announced = true;
    transport.onclose?.();
  };

  const readMessages = () => {
    for (;;) {
      try {
        const message = incoming.next();
        if (message === null) return;
        transport.onmessage?.(message);
      } catch (error) {
        // This line is JSON but not JSON-RPC. The next may be valid.
        transport.onerror?.(asError(error));
      }
    }
  };

  const receive = (chunk: Buffer) => {
    if (closing !== null) return;
    try {
      incoming.append(chunk);
    } catch (error) {
      ending ??= `sent a message of more than ${options.maxMessageBytes} bytes`;
      transport.onerror?.(asError(error));
      return void transport.close();
    }
    readMessages();
  };

  const exitsWithin = (graceMs: number) =>
    Promise.race([exited.then(() => true), pause(graceMs, false, { ref: false })]);

  const observe = (started: ChildProcessWithoutNullStreams, group: number | undefined) => {
    exited = new Promise((resolve) => {
      started.once('exit', (code, signal) => {
        // An exit after close() is not a reason to report.
        if (closing === null) ending ??= signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
        if (group !== undefined) {
          signalGroup(group, 'SIGKILL');
          options.reaper.release(group);
        }
        setTimeout(() => {
          started.stdout.destroy();
          started.stderr.destroy();
        }, OUTPUT_GRACE_MS).unref();
        resolve();
      });
      // A child that never started has no exit.
      started.on('error', () => resolve());
    });
    started.once('close', announceClose);
    for (const pipe of [started.stdin, started.stdout, started.stderr])
      pipe.on('error', (error) => transport.onerror?.(error));
    started.stdout.on('data', receive);
    // A server that closed its stdout can send no answer, even if it runs on. Most have just exited: the pause lets the
    // exit set its reason first.
    started.stdout.once('end', () => void exitsWithin(OUTPUT_GRACE_MS).then(transport.close));
    eachLine(started.stderr, options.output);
  };

  const endChild = async (running: ChildProcessWithoutNullStreams) => {
    running.stdin.end();
    if (await exitsWithin(options.closeGraceMs)) return;
    if (running.pid !== undefined) signalGroup(running.pid, 'SIGTERM');
    if (await exitsWithin(options.closeGraceMs)) return;
    if (running.pid !== undefined) signalGroup(running.pid, 'SIGKILL');
    await exitsWithin(options.closeGraceMs);
  };

  const transport: StdioTransport = {
    stderr: null,
    get pid() {
      return child?.pid ?? null;
    },
    ending: () => ending,
    start: () =>
      new Promise((resolve, reject) => {
        if (closing !== null) return reject(new SdkError(SdkErrorCode.NotConnected, 'closed before it was started'));
        const { command, args, cwd } = server;
        const started = spawn(command, args, {
          cwd,
          env: childEnvironment(server.env),
          detached: true,
          shell: false,
          stdio: 'pipe',
          ...server.user,
        });
        child = started;
        if (started.pid !== undefined) options.reaper.watch(started.pid);
        observe(started, started.pid);
        started.once('spawn', resolve);
        started.once('error', (error) => {
          ending ??= `could not be started (${'code' in error ? error.code : error.message}); check that the command is installed and that its cwd exists`;
          options.output(
            existsSync(cwd)
              ? `The command "${command}" was not found or cannot be run. Install it, or write its whole path.`
              : `The folder "${cwd}" (cwd) does not exist. Create it, or correct "cwd" in the block.`,
          );
          reject(error);
        });
      }),
    send: async (message) => {
      const stdin = child?.stdin;
      if (closing !== null || !stdin?.writable)
        throw new SdkError(SdkErrorCode.NotConnected, 'the server process has ended');
      options.reader.sent(message);
      // A broken pipe has taken at most a part of the line, which is not a message.
      const error = await new Promise<unknown>((resolve) => stdin.write(serializeMessage(message), resolve));
      if (!error) return;
      // Most programs have just exited: the exit sets its reason first, which says more.
      await exitsWithin(OUTPUT_GRACE_MS);
      throw new SdkError(SdkErrorCode.NotConnected, 'the server process does not read its input any more', undefined, {
        cause: error,
      });
    },
    close: () => {
      closing ??= child === null ? Promise.resolve() : endChild(child);
      // Immediately, not after the child's exit: running calls must not wait for the grace period.
      announceClose();
      return closing;
    },
  };
  return transport;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Longer than a line of a stack trace, much shorter than a base64 dump. Bounds memory and log entries. */
const MAX_LINE_CHARS = 2_000;

/** Calls `emit` for each line of `stream`, with the rest at its end. */
function eachLine(stream: Readable, emit: (line: string) => void): void {
  let line = '';
  const take = (part: string) => {
    if (line.length < MAX_LINE_CHARS) line += part.slice(0, MAX_LINE_CHARS - line.length);
  };
  const flush = () => {
    const whole = sanitizeText(line).trimEnd();
    line = '';
    if (whole !== '') emit(whole);
  };
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const parts = chunk.split('\n');
    const rest = parts.pop() ?? '';
    for (const part of parts) {
      take(part);
      flush();
    }
    take(rest);
  });
  stream.on('end', flush);
}
