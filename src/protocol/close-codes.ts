/** Why the server closes a socket: codes of RFC 6455, section 7.4 (1012 and 1013: its IANA registry). */

/** `comeBack`: whether and when a client should connect again. `brokenFrame`, `brokenText` and `tooLarge` are sent by the WebSocket library itself. */
export const closeCodes = {
  brokenFrame: { code: 1002, because: 'a frame that breaks the rules of RFC 6455', comeBack: 'no' },
  binary: { code: 1003, because: 'a binary frame', comeBack: 'no' },
  brokenText: { code: 1007, because: 'text that is not UTF-8', comeBack: 'no' },
  abuse: {
    code: 1008,
    because:
      'no token that is known, or none that still is; a host, a proxy or a page that is not allowed; a flood of frames, too many bad frames, a message in too many parts, too much before the token was checked',
    comeBack: 'no',
  },
  tooLarge: { code: 1009, because: 'a frame over `max_message_size`', comeBack: 'no' },
  serviceRestart: {
    code: 1012,
    because: 'the server restarts, and nothing more comes over this socket',
    comeBack: 'at once, then with growing delays',
  },
  tryLater: {
    code: 1013,
    because:
      'too many connections (in all, from the address, of the subject), or the token could not be checked; or retention took rows that a subscriber was still to be shown',
    comeBack: 'later',
  },
} as const;
