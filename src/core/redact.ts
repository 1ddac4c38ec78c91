const MASK = '[redacted]';

/** Anything shorter is no secret, and replacing it would blacken half of every text. */
const SHORTEST_SECRET = 4;

/**
 * Makes a function that replaces the given secrets, plain or in base64 (whatever their place in the encoded text), by `[redacted]`.
 * Where secrets overlap, the longest goes first, so that no rest of it stays. Empty and very short values are ignored.
 */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const worthHiding = secrets.filter((secret) => secret.trim().length >= SHORTEST_SECRET);
  const forms = new Set(worthHiding.flatMap((secret) => [secret, secret.trim(), ...encodedForms(secret)]));
  if (forms.size === 0) return (text) => text;
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(longestFirst.map(escaped).join('|'), 'g');
  return (text) => text.replace(pattern, MASK);
}

/** How a secret shows in base64, in JSON and in URLs. */
function encodedForms(secret: string): string[] {
  const inJson = JSON.stringify(secret).slice(1, -1);
  return [...base64Forms(secret), ...base64Forms(secret.trim()), inJson, encodeURIComponent(wellFormed(secret))];
}

/**
 * The base64 of the secret alone, and the part that stays the same when other bytes come before and after it, for each of
 * the three ways it can fall into groups of three bytes.
 */
function base64Forms(secret: string): string[] {
  const bytes = new TextEncoder().encode(secret);
  const forms = [base64(bytes)];
  for (const shift of [0, 1, 2]) {
    const shifted = new Uint8Array(shift + bytes.length);
    shifted.set(bytes, shift);
    // A character of base64 holds six bits: leave out those that also hold bits of a neighbour.
    const first = Math.ceil((shift * 8) / 6);
    const last = Math.floor(((shift + bytes.length) * 8) / 6);
    const inner = base64(shifted).slice(first, last);
    if (inner.length >= SHORTEST_SECRET) forms.push(inner);
  }
  return forms.flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_')]);
}

/** With replacement characters for lone surrogates, which encodeURIComponent would throw at. */
function wellFormed(text: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(text));
}

function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
