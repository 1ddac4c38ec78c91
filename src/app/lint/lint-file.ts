import { readFile, stat } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import type { Finding } from '../../core/lint/finding.js';
import { type OwnRuleId, ownSeverity } from '../../core/lint/rules/run.js';
import { whyUnreadable } from '../why-unreadable.js';

const MEGABYTE = 1024 * 1024;
/** No pipeline is larger; it keeps a wrong glob from taking all memory. */
const LARGEST_FILE = 10 * MEGABYTE;

/** What became of reading a file: its text, what is wrong with its bytes, or why it cannot be read. */
export type ReadSource =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'finding'; readonly finding: Finding }
  | { readonly kind: 'unreadable'; readonly reason: string };

/** Reads a file or, for `-`, standard input; `name` is what findings call it. */
export async function readLintSource(file: string, name: string): Promise<ReadSource> {
  try {
    if (file !== '-') {
      const { size } = await stat(file);
      if (size > LARGEST_FILE) return { kind: 'finding', finding: tooLarge(name, size) };
    }
    const bytes = file === '-' ? await buffer(process.stdin) : await readFile(file);
    if (bytes.length > LARGEST_FILE) return { kind: 'finding', finding: tooLarge(name, bytes.length) };
    return decodeText(bytes, name);
  } catch (error) {
    return { kind: 'unreadable', reason: whyUnreadable(error) };
  }
}

function decodeText(bytes: Uint8Array, name: string): ReadSource {
  if (bytes.includes(0)) {
    const message =
      'the file holds a NUL byte, so it is a program, or text in UTF-16; a pipeline must be text in UTF-8, otherwise its upload fails: check the path or convert it';
    return { kind: 'finding', finding: aboutFile('file/encoding', name, message) };
  }
  try {
    // The mark at the beginning stays part of the text, so that --fix keeps it.
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    const line = firstBadLine(bytes);
    const message = 'these bytes are not UTF-8, so the upload fails or changes them; save the file as UTF-8';
    return { kind: 'finding', finding: aboutFile('file/encoding', name, message, line) };
  }
}

/** The line of the first byte that is not UTF-8, from 1. */
function firstBadLine(bytes: Uint8Array): number {
  const replaced = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const written = replaced.indexOf('\uFFFD');
  return replaced.slice(0, Math.max(written, 0)).split('\n').length;
}

function tooLarge(name: string, size: number): Finding {
  const megabytes = (size / MEGABYTE).toFixed(1);
  const message = `the file has ${megabytes} MB, more than the 10 MB that are looked at, so nothing in it is checked; name the pipeline itself`;
  return aboutFile('file/size', name, message);
}

function aboutFile(rule: OwnRuleId, file: string, message: string, line = 1): Finding {
  return {
    ...{ rule, severity: ownSeverity(rule), message, file, line, column: 1, endLine: line, endColumn: 1 },
    ...{ related: [], fix: undefined, span: { start: 0, end: 0 }, step: undefined, uses: 1 },
  };
}
