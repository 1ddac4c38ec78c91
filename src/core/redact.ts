/** Replaces secret values in any text, the longest first so that a secret inside another leaves nothing behind. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const longestFirst = secrets.filter((secret) => secret !== '').sort((left, right) => right.length - left.length);
  return (text) => longestFirst.reduce((result, secret) => result.replaceAll(secret, '[redacted]'), text);
}
