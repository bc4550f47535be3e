/**
 * `chat.websocket`: where the server listens, who may connect, and what one socket may do.
 * The only home of these keys' defaults and constraints.
 */
import { z } from 'zod';
import { parseHostPattern, parseOriginPattern } from '../../host-names.ts';
import { bytes, count, seconds, text } from './quantities.ts';

export const websocket = z
  .strictObject({
    host: text()
      .default('localhost')
      .describe('Address to listen on: localhost is 127.0.0.1 and, where there is one, ::1; 0.0.0.0 is every network.'),
    port: z.int().min(0).max(65_535).default(8000).describe('Port to listen on; 0 takes any free one.'),
    endpoint: z
      .string()
      .regex(/^\/[^\s?#]*$/)
      .meta({ allowed: 'a path that begins with /' })
      .default('/ws/chat')
      .describe('Path of the WebSocket.'),
    max_message_size: bytes(1024)
      .default(1_048_576)
      .describe('Largest frame from a client; a larger one closes the socket with 1009.'),
    max_json_depth: count('levels', 8, 500)
      .default(64)
      .describe(
        'Objects and arrays within one another in a frame; deeper ones are refused before anything reads them level by level.',
      ),
    handshake_timeout: seconds()
      .default(10)
      .describe(
        'Longest time from a connection to its whole first request: who opens connections and says nothing is answered 408.',
      ),
    ping_interval: seconds()
      .default(30)
      .describe('Time between pings: keeps proxies from closing quiet sockets, and finds dead ones.'),
    ping_timeout: seconds().default(10).describe('Longest wait for the pong before the socket counts as dead.'),
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
        'Hosts under which a reverse proxy serves this server. Their pages may connect. Without auth on loopback, requests for other hosts than localhost, and requests through proxies, are refused unless their host is listed here. An entry without a port means every port.',
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
        'Further web pages that may connect, beside those of this machine and of allowed_hosts. Pages of the host that a request is for may connect too: with auth.mode token always, without it if that host is an IP address.',
      ),
    max_connections: count('sockets', 1)
      .default(10_000)
      .describe('Sockets at once, about 20 KB each; further ones are closed with 1013.'),
    max_connections_per_address: count('sockets', 1)
      .default(1000)
      .describe(
        "Sockets at once from one address (of IPv6, one /64), so that one machine cannot take every place; behind a reverse proxy all have the proxy's, so raise it to max_connections there.",
      ),
    max_connections_per_subject: count('sockets', 1)
      .default(1000)
      .describe(
        'Sockets at once of one subject, so that one user cannot take every place; without auth there is only one subject and only max_connections counts.',
      ),
    max_buffered_bytes: bytes(65_536)
      .default(1_048_576)
      .describe('Unsent data of one socket before its reader counts as slow and is brought up to date later.'),
    max_bad_frames: count('frames', 0)
      .default(20)
      .describe('Unreadable frames that one socket may send before it is closed with 1008.'),
    frames_per_second: count('frames a second', 1)
      .default(200)
      .describe('Frames that one socket may send, on average; a flood is closed with 1008.'),
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
          allowed: `at most websocket.ping_interval (${socket.ping_interval}), or the next ping comes before the answer to the last`,
        },
      });
    }
  })
  .prefault({})
  .describe('The WebSocket server.');
