/** The first part of an answer. */
export interface ResponseHead {
  readonly status: number;
  /** By lower-case name; what came several times is joined by ", ", unless it is no list: then the first counts. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface ResponseHandlers {
  readonly onHead: (head: ResponseHead) => void;
  readonly onBody: (chunk: Buffer) => void;
  readonly onEnd: () => void;
}

/** The other side does not speak HTTP/1.1 as it should. Quotes nothing of what it sent. */
export class ProtocolError extends Error {}

/** Head lines, together; servers of today send a few hundred bytes. */
const MAX_HEAD_BYTES = 64 * 1024;
const MAX_LINE_BYTES = 4 * 1024;
const HEAD_END = '\r\n\r\n';
const HEAD_BEGIN = 'HTTP/1.';
const BARE_LINE_FEED = /(?<!\r)\n/;
const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const NOTHING = Buffer.alloc(0);

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
/** Fields that are no lists: of several the first counts. */
const SINGLE_FIELDS: ReadonlySet<string> = new Set(['content-type', 'retry-after']);
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** What would be a line end, or the end of everything, for somebody less strict. */
const FORBIDDEN = /[^\t\x20-\x7e\x80-\xff]/;
const CHUNK_LINE = /^([0-9A-Fa-f]{1,12})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/;

type State = 'head' | 'sized' | 'until-close' | 'chunk-size' | 'chunk' | 'chunk-cr' | 'chunk-lf' | 'trailers' | 'done';

/**
 * Reads the answers that come over one connection, one after the other, from chunks of any size (RFC 9112). Strict: what could be
 * understood in two ways is an error, because the bytes after it would be taken for the next answer.
 */
export class ResponseReader {
  readonly #handlers: ResponseHandlers;
  #state: State = 'done';
  /** Bytes of the head, or of a line, that came so far: none or one. */
  #held: readonly Buffer[] = [];
  /** Bytes left of a sized body or of a chunk. */
  #left = 0;
  #reusable = false;

  constructor(handlers: ResponseHandlers) {
    this.#handlers = handlers;
  }

  /** Whether the connection can be used for another request, once an answer is complete. */
  get reusable(): boolean {
    return this.#reusable;
  }

  /** A request was sent: an answer may come. */
  expect(): void {
    this.#state = 'head';
    this.#reusable = false;
  }

  /** @throws ProtocolError; and whatever the handlers throw */
  feed(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) rest = this.#take(rest);
  }

  /** The other side has closed the connection. @throws ProtocolError when the answer was not complete */
  close(): void {
    if (this.#state === 'until-close') this.#finish();
    else if (this.#state !== 'done')
      throw new ProtocolError('the connection was closed before the answer was complete');
  }

  /** Deals with the first of these bytes. @returns the others */
  #take(bytes: Buffer): Buffer {
    switch (this.#state) {
      case 'head':
        return this.#takeHead(bytes);
      case 'sized':
      case 'chunk':
        return this.#takeSized(bytes);
      case 'until-close':
        this.#handlers.onBody(bytes);
        return NOTHING;
      case 'chunk-cr':
        return this.#takeChunkEnd(bytes, CARRIAGE_RETURN, 'chunk-lf');
      case 'chunk-lf':
        return this.#takeChunkEnd(bytes, LINE_FEED, 'chunk-size');
      case 'chunk-size':
      case 'trailers':
        return this.#takeLine(bytes);
      case 'done':
        throw new ProtocolError('the server sent something that was not asked for');
    }
  }

  #takeHead(bytes: Buffer): Buffer {
    const all = this.#hold(bytes);
    const end = all.indexOf(HEAD_END);
    mustBeShort(end === -1 ? all.length : end, MAX_HEAD_BYTES);
    if (end === -1) {
      mustBeHead(all);
      return NOTHING;
    }
    this.#held = [];
    this.#startBody(all.toString('latin1', 0, end));
    return all.subarray(end + HEAD_END.length);
  }

  #startBody(text: string): void {
    const [statusLine = '', ...lines] = text.split('\r\n');
    const [, minor, digits] = STATUS_LINE.exec(statusLine) ?? [];
    if (digits === undefined) throw new ProtocolError('the answer does not begin as HTTP/1.1');
    const status = Number(digits);
    // An interim answer; the real one follows. Nobody has asked for another protocol.
    if (status === 101) throw new ProtocolError('the server wants to speak another protocol');
    const headers = parseFields(lines);
    if (status < 200) return;
    this.#reusable = keepsAlive(headers, minor === '1');
    this.#state = this.#framing(status, headers);
    this.#handlers.onHead({ status, headers });
    if (this.#state === 'sized' && this.#left === 0) this.#finish();
  }

  /** How the end of the body is known (RFC 9112, 6.3). */
  #framing(status: number, headers: ResponseHead['headers']): State {
    const coding = headers['transfer-encoding'];
    const length = headers['content-length'];
    this.#left = 0;
    if (status === 204 || status === 304) return 'sized';
    if (coding !== undefined) {
      if (coding.toLowerCase() !== 'chunked') throw new ProtocolError('the answer is encoded in an unknown way');
      // What request smuggling looks like.
      if (length !== undefined) throw new ProtocolError('the answer says in two ways how long it is');
      return 'chunk-size';
    }
    if (length !== undefined) {
      this.#left = contentLength(length);
      return 'sized';
    }
    this.#reusable = false;
    return 'until-close';
  }

  #takeSized(bytes: Buffer): Buffer {
    const taken = bytes.length <= this.#left ? bytes : bytes.subarray(0, this.#left);
    this.#left -= taken.length;
    const isLast = this.#left === 0;
    const inChunk = this.#state === 'chunk';
    if (isLast && inChunk) this.#state = 'chunk-cr';
    this.#handlers.onBody(taken);
    if (isLast && !inChunk) this.#finish();
    return bytes.subarray(taken.length);
  }

  #takeChunkEnd(bytes: Buffer, byte: number, next: State): Buffer {
    if (bytes[0] !== byte) throw new ProtocolError('a chunk is longer than it says');
    this.#state = next;
    return bytes.subarray(1);
  }

  /** The lines between the chunks of a body. */
  #takeLine(bytes: Buffer): Buffer {
    const end = bytes.indexOf(LINE_FEED);
    const line = this.#hold(end === -1 ? bytes : bytes.subarray(0, end + 1));
    mustBeShort(line.length, MAX_LINE_BYTES);
    if (end === -1) return NOTHING;
    this.#held = [];
    const text = line.toString('latin1');
    if (!text.endsWith('\r\n')) throw new ProtocolError('a line of a chunked answer ends in an unknown way');
    this.#endLine(text.slice(0, -2));
    return bytes.subarray(end + 1);
  }

  #endLine(line: string): void {
    if (this.#state === 'trailers') {
      // They say nothing that we would want to know.
      if (line === '') this.#finish();
      else parseFields([line]);
    } else {
      const [, size] = CHUNK_LINE.exec(line) ?? [];
      if (size === undefined) throw new ProtocolError('a chunk does not say how long it is');
      this.#left = Number.parseInt(size, 16);
      this.#state = this.#left === 0 ? 'trailers' : 'chunk';
    }
  }

  #finish(): void {
    this.#state = 'done';
    this.#handlers.onEnd();
  }

  #hold(bytes: Buffer): Buffer {
    const all = this.#held.length === 0 ? bytes : Buffer.concat([...this.#held, bytes]);
    this.#held = [all];
    return all;
  }
}

function mustBeShort(length: number, limit: number): void {
  if (length > limit)
    throw new ProtocolError(`a part of the answer that should be short is longer than ${limit} bytes`);
}

/** What nobody will ever complete to a head is an error now, not when the call's time is over. */
function mustBeHead(bytes: Buffer): void {
  const text = bytes.toString('latin1');
  if (!HEAD_BEGIN.startsWith(text.slice(0, HEAD_BEGIN.length)) || BARE_LINE_FEED.test(text))
    throw new ProtocolError('the answer does not begin as HTTP/1.1');
}

function parseFields(lines: readonly string[]): Record<string, string> {
  // Without a prototype: "constructor" may be the name of a field.
  const fields = Object.create(null) as Record<string, string>;
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    if (!FIELD_NAME.test(name) || FORBIDDEN.test(line)) throw new ProtocolError('a header field is malformed');
    const value = withoutSpace(line, colon + 1);
    const before = fields[name];
    if (before === undefined) fields[name] = value;
    else if (!SINGLE_FIELDS.has(name)) fields[name] = `${before}, ${value}`;
  }
  return fields;
}

/** The text from `start` on without what HTTP calls a space; `trim` takes more away. */
function withoutSpace(text: string, start = 0): string {
  let from = start;
  let to = text.length;
  while (from < to && isSpace(text.charCodeAt(from))) from += 1;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

function isSpace(code: number): boolean {
  return code === SPACE || code === TAB;
}

function listOf(text: string): string[] {
  return text.split(',').map((value) => withoutSpace(value));
}

function contentLength(text: string): number {
  const [length = '', ...repeated] = listOf(text);
  if (!/^\d{1,15}$/.test(length) || repeated.some((value) => value !== length))
    throw new ProtocolError('the length of the answer is malformed');
  return Number(length);
}

function keepsAlive(headers: ResponseHead['headers'], modern: boolean): boolean {
  const { connection } = headers;
  if (connection === undefined) return modern;
  const options = listOf(connection.toLowerCase());
  if (options.includes('close')) return false;
  // What HTTP/1.0 knows nothing of cannot tell where an answer ends.
  return modern || (options.includes('keep-alive') && headers['transfer-encoding'] === undefined);
}
