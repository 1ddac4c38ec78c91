/**
 * Shortens text to at most `maxBytes` of UTF-8, suffix included, never splitting a character.
 * @returns the text itself when it fits.
 */
export function cropToBytes(text: string, maxBytes: number, suffix: string): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= maxBytes) return text;
  let end = Math.max(0, maxBytes - Buffer.byteLength(suffix));
  // 10xxxxxx is a continuation byte: the character it belongs to would be cut in half.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end) + suffix;
}

/** Shortens text to at most `maxCharacters` Unicode code points, suffix included. */
export function cropToCharacters(text: string, maxCharacters: number, suffix: string): string {
  const characters = Array.from(text);
  if (characters.length <= maxCharacters) return text;
  return characters.slice(0, maxCharacters - Array.from(suffix).length).join('') + suffix;
}
