/**
 * Defines `chat.websocket`: where the server listens, which clients may connect, and what one socket may do. The only
 * place of these keys' defaults and constraints.
 */
import { z } from 'zod';
import { parseHostPattern, parseOriginPattern } from '../../host-names.ts';
import { bytes, count, seconds, text } from './quantities.ts';

export const websocket = z
  .strictObject({
    host: text()
      .default('localhost')
      .describe('Address to listen on. localhost: 127.0.0.1 and, if the machine has it, ::1. 0.0.0.0: every network.'),
    port: z.int().min(0).max(65_535).default(8000).describe('Port to listen on. 0: any free port.'),
    endpoint: z
      .string()
      .regex(/^\/[^\s?#]*$/)
      .meta({ allowed: 'a path that begins with /' })
      .default('/ws/chat')
      .describe('Path of the WebSocket.'),
    max_message_size: bytes(1024)
      .default(1_048_576)
      .describe('Largest frame from a client. A larger one closes the socket with 1009.'),
    max_json_depth: count('levels', 8, 500)
      .default(64)
      .describe(
        'Deepest nesting of objects and arrays in a frame. A deeper frame is rejected before its content is read.',
      ),
    handshake_timeout: seconds()
      .default(10)
      .describe('Longest time from a connection to its whole first request. Then the server answers 408.'),
    ping_interval: seconds()
      .default(30)
      .describe('Time between pings. They keep proxies from closing idle sockets, and find dead ones.'),
    ping_timeout: seconds()
      .default(10)
      .describe(
        'Timeout of a pong. Then the socket counts as dead. A socket that takes nothing of a response for this time, while reads wait, is closed with 1013.',
      ),
    allowed_hosts: z
      .array(
        z
          .string()
          .refine((entry) => parseHostPattern(entry) !== null)
          .meta({
            allowed:
              'a host such as chat.example.com, chat.example.com:8443 or *.example.com, without https:// and without a path',
          }),
      )
      .default([])
      .describe(
        'Hosts under which a reverse proxy serves this server. Their pages may connect. Without auth on loopback, requests for hosts other than localhost, and requests through proxies, are rejected unless their host is listed here. An entry without a port means every port.',
      ),
    allow_origins: z
      .array(
        z
          .string()
          .refine((entry) => entry === '*' || parseOriginPattern(entry) !== null)
          .meta({
            allowed:
              'an origin such as https://chat.example.com or https://*.example.com, without a path, or "*" for all',
          }),
      )
      .default([])
      .describe(
        'Further web pages that may connect, beside pages of this machine and of allowed_hosts. Pages of the host that a request is for may connect too: with auth.mode token always, else if that host is an IP address.',
      ),
    max_connections: count('sockets', 1)
      .default(10_000)
      .describe('Most sockets, about 20 KB each. Further ones are closed with 1013.'),
    max_connections_per_address: count('sockets', 1)
      .default(1000)
      .describe(
        "Most sockets from one address (for IPv6: one /64), so that one machine cannot take all. 100 more TCP connections may load pages; further ones are dropped. Behind a reverse proxy all sockets have the proxy's address: raise it to max_connections.",
      ),
    max_connections_per_subject: count('sockets', 1)
      .default(1000)
      .describe(
        'Most sockets of one subject, so that one user cannot take all. Without auth all sockets have one subject, and only max_connections applies.',
      ),
    max_buffered_bytes: bytes(65_536)
      .default(1_048_576)
      .describe('Unsent data of one socket from which the client counts as slow and catches up later.'),
    max_reads_per_socket: count('reads', 1)
      .default(1)
      .describe(
        'Reads of the log for one socket at a time, such as history. A read ends when the socket has taken its response. Further reads wait.',
      ),
    max_reads_per_subject: count('reads', 1)
      .default(2)
      .describe(
        'Reads of the log at a time for all sockets of one subject, or of all clients without auth. Each may hold a response of 16 MiB in memory.',
      ),
    max_waiting_reads: count('reads', 1)
      .default(10_000)
      .describe('Most reads of one subject that wait, about 1 KB each. Further requests fail as `overloaded`.'),
    max_bad_frames: count('frames', 0)
      .default(20)
      .describe(
        'Most unreadable frames of one socket at once: no JSON object, or no action. As many are forgiven each minute. A further one closes it with 1008. A frame that is rejected for its content does not count.',
      ),
    frames_per_second: count('frames a second', 1)
      .default(200)
      .describe(
        'Frames that one socket may send, on average: messages, fragments, pings and pongs. A frame counts once more for each further 64 KiB. More closes it with 1008.',
      ),
    frame_burst: count('frames', 1)
      .default(1000)
      .describe('Frames that one socket may send at once before the average counts.'),
  })
  .superRefine((socket, check) => {
    if (socket.ping_timeout > socket.ping_interval) {
      check.addIssue({
        code: 'custom',
        path: ['ping_timeout'],
        params: {
          allowed: `at most websocket.ping_interval (${socket.ping_interval}), or the next ping comes before the last pong`,
        },
      });
    }
  })
  .prefault({})
  .describe('The WebSocket server.');
