import { UsageError } from '../core/errors.js';

/** `NAME=VALUE` texts of a flag as a record; throws a `UsageError` for a text without a name. */
export function parsePairs(texts: readonly string[], flag: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text): [string, string] => {
      const split = text.indexOf('=');
      if (split < 1) throw new UsageError(`${flag} "${text}" has no "="; write ${flag} NAME=VALUE`);
      return [text.slice(0, split), text.slice(split + 1)];
    }),
  );
}
