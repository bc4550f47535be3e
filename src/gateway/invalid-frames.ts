/** Reports sockets that `ws` closes for an invalid frame, and terminates those that stay open. */
import type { WebSocket } from 'ws';
import type { IncidentReport } from '../observability/incident-report.ts';
import { terminateAfterTimeout } from './close-socket.ts';
import { codeOf } from '../errors.ts';

/** Errors of `ws`: a frame over the limit, or in too many fragments. */
const TOO_LARGE = new Set([
  'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
  'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
  'WS_ERR_TOO_MANY_BUFFERED_PARTS',
]);

/** At the error `ws` has sent the close frame, and discards further data. */
export function reportInvalidFrames(socket: WebSocket, incidents: Pick<IncidentReport, 'socketClosed'>): void {
  socket.on('error', (error) => {
    incidents.socketClosed(TOO_LARGE.has(codeOf(error)) ? 'frame_size' : 'broken_frame');
    terminateAfterTimeout(socket);
  });
}
