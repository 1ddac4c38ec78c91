import { ExternalError } from '../../core/errors.js';
import { memberOf, textAt } from './kube-errors.js';
import { splitFrames } from './frame-splitter.js';
import { splitLines } from './line-splitter.js';
import { decodeWatchEvent, isProtobuf } from './protobuf.js';

/** One message of a watch. */
export interface WatchEvent {
  /** `ADDED`, `MODIFIED`, `DELETED`, `BOOKMARK` or `ERROR`. */
  readonly type: string;
  readonly object: unknown;
}

/**
 * Reads the events of a watch from its bytes, which come in any pieces: lines of JSON, or frames of protobuf.
 * @returns the function to feed chunks to. It throws a retryable `ExternalError` for what is no event, and what `onEvent` throws.
 */
export function watchDecoder(
  { contentType, path }: { readonly contentType: string | undefined; readonly path: string },
  onEvent: (event: WatchEvent) => void,
): (chunk: Buffer) => void {
  const unreadable = (what: string): ExternalError =>
    // The version has not moved on, so the event comes again after the reconnect.
    new ExternalError(`watch of "${path}" sent ${what} that is no event; reconnecting`, { retryable: true });
  const tell = (what: string, read: () => unknown): void => {
    const event = attempt(read);
    const type = textAt(event, 'type');
    if (type === undefined) throw unreadable(what);
    onEvent({ type, object: memberOf(event, 'object') });
  };
  if (!isProtobuf(contentType))
    return splitLines((line) => tell(`a line of ${line.length} characters`, () => JSON.parse(line) as unknown));
  return splitFrames({
    onFrame: (frame) => tell(`a frame of ${frame.length} bytes`, () => decodeWatchEvent(frame)),
    onOversized: (length) => {
      throw unreadable(`a frame of ${length} bytes`);
    },
  });
}

/** What an unreadable message says of itself may quote what is in it, so it is not passed on. */
function attempt(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}
