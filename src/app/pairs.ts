import { UsageError } from '../core/errors.js';

/** `NAME=VALUE` texts of a flag as a record; throws a `UsageError` for a text without a name. */
export function parsePairs(texts: readonly string[], flag: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text): [string, string] => {
      const split = text.indexOf('=');
      if (split < 1) {
        const lacks = split < 0 ? 'has no "="' : 'has no name before the "="';
        throw new UsageError(`${flag} "${text}" ${lacks}; write ${flag} NAME=VALUE`);
      }
      return [text.slice(0, split), text.slice(split + 1)];
    }),
  );
}
