import { StringDecoder } from 'node:string_decoder';

/**
 * Cuts a byte stream into lines: a character or a line may arrive in any number of pieces.
 * What follows the last line break is kept for the next chunk, so a truncated last line is never delivered.
 * @returns the function to feed chunks to; what `onLine` throws comes out of it.
 */
export function splitLines(onLine: (line: string) => void): (chunk: Buffer) => void {
  const decoder = new StringDecoder('utf8');
  let pending: string[] = [];
  return (chunk) => {
    const text = decoder.write(chunk);
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      const line = pending.join('') + text.slice(start, end);
      pending = [];
      start = end + 1;
      if (line.trim() !== '') onLine(line);
    }
    if (start < text.length) pending.push(text.slice(start));
  };
}
