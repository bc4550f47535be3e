/** Lists the close codes that the server uses: RFC 6455, section 7.4; 1012 and 1013 from its IANA registry. Imports nothing, because the client uses it too. */

/** `comeBack`: whether and when a client should reconnect. The WebSocket library sends `brokenFrame`, `brokenText` and `tooLarge`. */
export const closeCodes = {
  brokenFrame: { code: 1002, because: 'a frame that violates RFC 6455', comeBack: 'no' },
  binary: { code: 1003, because: 'a binary frame', comeBack: 'no' },
  brokenText: { code: 1007, because: 'a text frame that is not valid UTF-8', comeBack: 'no' },
  abuse: {
    code: 1008,
    because:
      'missing, unknown or removed token; host, proxy or page not allowed; too many frames, too many bad frames, a message in too many fragments, or too much data before the token was checked',
    comeBack: 'no',
  },
  tooLarge: { code: 1009, because: 'a frame over `max_message_size`', comeBack: 'no' },
  serviceRestart: {
    code: 1012,
    because: 'the server restarts; it sends nothing more on this socket',
    comeBack: 'at once, then with growing delays',
  },
  tryLater: {
    code: 1013,
    because:
      'too many connections (in total, of the address, of the subject); the token could not be checked; or retention deleted rows that a subscriber did not have yet',
    comeBack: 'later',
  },
} as const;
