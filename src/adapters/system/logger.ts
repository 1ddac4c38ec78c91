import type { Writable } from 'node:stream';
import { ToolkitError } from '../../core/errors.js';
import type { Clock, LogFields, Logger } from '../../ports/runtime.js';
import { systemClock } from './clock.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LoggerOptions {
  readonly format: 'logfmt' | 'json';
  /** Lines below this level are not written. */
  readonly level: LogLevel;
  /** @default process.stderr */
  readonly stream?: Writable | undefined;
  /** Paint the level of a logfmt line. @default false */
  readonly colour?: boolean | undefined;
  /** Takes secrets out. Sees every text value before it is quoted, then the finished line. */
  readonly redact?: ((text: string) => string) | undefined;
  /** @default the machine's clock */
  readonly clock?: Pick<Clock, 'now'> | undefined;
}

type Pair = readonly [key: string, value: unknown];

interface Sink extends LoggerOptions {
  readonly stream: Writable;
  readonly clock: Pick<Clock, 'now'>;
  readonly redact: (text: string) => string;
}

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
const COLOUR: Readonly<Record<LogLevel, number>> = { debug: 90, info: 36, warn: 33, error: 31 };
const RESERVED: ReadonlySet<string> = new Set(['time', 'level', 'msg']);
const guarded = new WeakSet<Writable>();

/**
 * A logger that writes one line an event to standard error: time, level, message, then the fields.
 * It never throws: unprintable values are described, and a reader that went away silences it.
 * An `Error` among the fields becomes its message, `<field>.code` and, at level error, `<field>.stack`.
 */
export function createLogger(options: LoggerOptions): Logger {
  const sink: Sink = {
    ...options,
    stream: options.stream ?? process.stderr,
    clock: options.clock ?? systemClock,
    redact: options.redact ?? ((text) => text),
  };
  if (!guarded.has(sink.stream)) {
    guarded.add(sink.stream);
    // Without a listener a closed pipe (EPIPE) would end the process.
    sink.stream.on('error', () => undefined);
  }
  return loggerWith(sink, {});
}

function loggerWith(sink: Sink, bound: LogFields): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      if (RANK[level] < RANK[sink.level] || !sink.stream.writable) return;
      try {
        sink.stream.write(`${finishedLine(sink, level, message, { ...bound, ...fields })}\n`);
      } catch {
        // A log line is never worth a crash.
      }
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => loggerWith(sink, { ...bound, ...fields }),
  };
}

function finishedLine(sink: Sink, level: LogLevel, message: string, fields: LogFields): string {
  const time = new Date(sink.clock.now()).toISOString();
  try {
    const pairs: Pair[] = [['msg', sink.redact(message)]];
    for (const [key, value] of Object.entries(fields)) pairs.push(...expandField(key, value, level, sink.redact));
    const line = sink.format === 'json' ? jsonLine(time, level, pairs) : logfmtLine(time, level, pairs, sink.colour);
    return sink.redact(line);
  } catch {
    // Most likely the redaction failed: what it would have removed must not get out.
    const pairs: Pair[] = [['msg', 'log line withheld: its values could not be redacted or printed']];
    return sink.format === 'json' ? jsonLine(time, level, pairs) : logfmtLine(time, level, pairs, sink.colour);
  }
}

function expandField(key: string, value: unknown, level: LogLevel, redact: (text: string) => string): Pair[] {
  if (value === undefined) return [];
  const name = RESERVED.has(key) ? `field.${key}` : key;
  if (!(value instanceof Error)) return [[name, printable(value, redact)]];
  const pairs: Pair[] = [[name, redact(value.message || value.name)]];
  const code = errorCode(value) ?? errorCode(value.cause);
  if (code !== undefined) pairs.push([`${name}.code`, code]);
  // A stack is for our bugs; an expected error says in its message what to do.
  const isExpected = value instanceof ToolkitError;
  if (level === 'error' && !isExpected && value.stack !== undefined) pairs.push([`${name}.stack`, redact(value.stack)]);
  return pairs;
}

function errorCode(error: unknown): string | number | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' || typeof error.code === 'number' ? error.code : undefined;
}

/** A value that JSON can print: text redacted, errors and odd numbers as text, circles and failures described. */
function printable(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'string') return redact(value);
  const ancestors: unknown[] = [];
  function replace(this: unknown, _key: string, inner: unknown): unknown {
    const leaf = printableLeaf(inner, redact);
    if (typeof leaf !== 'object' || leaf === null) return leaf;
    while (ancestors.length > 0 && ancestors.at(-1) !== this) ancestors.pop();
    if (ancestors.includes(leaf)) return '[circular]';
    ancestors.push(leaf);
    return leaf instanceof Map || leaf instanceof Set ? [...leaf] : leaf;
  }
  try {
    return JSON.parse(JSON.stringify(value, replace)) as unknown;
  } catch (error) {
    return `[unprintable: ${error instanceof Error ? redact(error.message) : 'unknown'}]`;
  }
}

function printableLeaf(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'string') return redact(value);
  if (value instanceof Error) return redact(value.message);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return String(value);
  return typeof value === 'function' || typeof value === 'symbol' ? `[${typeof value}]` : value;
}

function jsonLine(time: string, level: LogLevel, pairs: readonly Pair[]): string {
  return escapeControls(JSON.stringify({ time, level, ...Object.fromEntries(pairs) }));
}

function logfmtLine(time: string, level: LogLevel, pairs: readonly Pair[], colour = false): string {
  const shown = colour ? `\u001b[${COLOUR[level]}m${level}\u001b[0m` : level;
  const rest = pairs.map(([key, value]) => `${logfmtKey(key)}=${logfmtValue(value)}`);
  return [`time=${time}`, `level=${shown}`, ...rest].join(' ');
}

function logfmtKey(key: string): string {
  return key.replace(/[^\w.\-/]+/gu, '_') || '_';
}

function logfmtValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[^\s"=\\\p{C}]+$/u.test(text) ? text : escapeControls(JSON.stringify(text));
}

/** JSON leaves C1 controls and the Unicode line separators as they are; terminals and line readers do not. */
function escapeControls(json: string): string {
  return json.replace(/[\u007f-\u009f\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
