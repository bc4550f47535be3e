/**
 * Defines the `auth` section: who may use the server, and what an unauthenticated client may cost. The only place of these
 * keys' defaults and constraints.
 */
import { z } from 'zod';
import { digestOf, hashToken } from '../../auth/tokens.ts';
import { bytes, seconds } from './quantities.ts';

/** A subject: the name that owns conversations. */
export const subjectSchema = z
  .string()
  // oxlint-disable-next-line no-control-regex
  .regex(/^[^\u0000-\u001f\u007f-\u009f]{1,128}$/)
  .meta({ allowed: '1 to 128 characters without control characters' });

const sha256 = z
  .string()
  .regex(/^(?:[0-9a-f]{64}|[\w-]{43})$/i)
  .meta({
    allowed:
      'the SHA-256 of a token, as 64 hex digits or 43 characters of base64url; never the token itself (./run.sh token SUBJECT makes both)',
  });

export const authSection = z
  .strictObject({
    mode: z
      .enum(['none', 'token'])
      .default('none')
      .describe(
        'Who may use the server. `none`: every client, all as one subject. `token`: clients that send one of the tokens below.',
      ),
    tokens: z
      .array(z.strictObject({ subject: subjectSchema, sha256 }))
      .default([])
      .meta({ allowed: 'a list of sections with subject and sha256' })
      .describe(
        'Accepted tokens. `subject` owns the conversations that a token reaches. `sha256` is the hash of the token in hex or base64url. A subject may have several tokens. `./run.sh token SUBJECT` makes one.',
      ),
    allow_anonymous_beyond_loopback: z
      .boolean()
      .default(false)
      .describe(
        'Whether mode `none` may listen beyond this machine. Then every client that reaches the port can chat at your cost, call your tools and read every conversation.',
      ),
    verification_timeout: seconds()
      .default(5)
      .describe('Timeout of the check of a token. Then the socket is closed with 1013.'),
    max_unverified_bytes: bytes(1024)
      .default(262_144)
      .describe('Bytes that a socket may send before its token is checked. More closes it with 1008.'),
  })
  .superRefine(({ mode, tokens }, check) => {
    if (mode === 'token' && tokens.length === 0) {
      check.addIssue({
        code: 'custom',
        path: ['tokens'],
        params: {
          allowed:
            'at least one token while auth.mode is token, or no client can connect (./run.sh token SUBJECT makes one)',
        },
      });
    }
    if (mode === 'none' && tokens.length > 0) {
      check.addIssue({
        code: 'custom',
        path: ['mode'],
        params: { allowed: 'token, because auth.tokens lists tokens that mode none never checks' },
      });
    }
    const digests = tokens.map(({ sha256 }) => digestOf(sha256).toString('hex'));
    for (const [index, digest] of digests.entries()) {
      if (digest === hashToken('')) {
        check.addIssue({
          code: 'custom',
          path: ['tokens', index, 'sha256'],
          params: { allowed: 'the hash of a token, not that of the empty text (./run.sh token SUBJECT makes both)' },
        });
      }
      const first = digests.indexOf(digest);
      if (first < index) {
        check.addIssue({
          code: 'custom',
          path: ['tokens', index, 'sha256'],
          params: {
            allowed: `another hash than that of auth.tokens[${first}], because a token belongs to one subject`,
          },
        });
      }
    }
  })
  .prefault({})
  .describe('Who may use the server.');
