/** Bytes before each frame that hold its length, most significant first. */
const HEAD = 4;

/** No object is so big: etcd takes 1.5 MiB. A longer frame means that the bytes are not what they should be. */
const LONGEST = 16 * 1024 * 1024;

export interface FrameHandlers {
  readonly onFrame: (frame: Buffer) => void;
  /** Called instead of collecting a frame that would be absurdly long; it must throw. */
  readonly onOversized: (length: number) => never;
}

/**
 * Cuts a byte stream into frames, each with its length before it, in whatever pieces they arrive. A truncated last frame is never delivered.
 * @returns the function to feed chunks to; what the handlers throw comes out of it.
 */
export function splitFrames({ onFrame, onOversized }: FrameHandlers): (chunk: Buffer) => void {
  let pieces: Buffer[] = [];
  let held = 0;
  /** Bytes that must be there before anything can be done. */
  let needed = HEAD;
  return (chunk) => {
    pieces.push(chunk);
    held += chunk.length;
    if (held < needed) return;
    let bytes = pieces.length === 1 ? chunk : Buffer.concat(pieces);
    for (needed = HEAD; bytes.length >= needed; needed = HEAD) {
      const length = bytes.readUInt32BE(0);
      if (length > LONGEST) onOversized(length);
      needed = HEAD + length;
      if (bytes.length < needed) break;
      onFrame(bytes.subarray(HEAD, needed));
      bytes = bytes.subarray(needed);
    }
    // Nothing left over means nothing to copy together with the next chunk.
    pieces = bytes.length === 0 ? [] : [bytes];
    held = bytes.length;
  };
}
