/**
 * Stands in for what only the upload knows. Digits, because they may be part of an image, a tag, a name, a label and a quantity alike:
 * a value that is wrong with them is wrong with everything.
 */
export const PLACEHOLDER = '97531';

/** Whether the text holds something that only the upload knows: no rule may compare it with anything. */
export function isUnknown(text: string): boolean {
  return text.includes(PLACEHOLDER);
}

const NAMES = /\$\{?([A-Za-z_][A-Za-z0-9_]*)/g;

/** The known variables, and the placeholder for all others that the text names. */
export function placeholderEnv(text: string, known: Readonly<Record<string, string>>): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [, name = ''] of text.matchAll(NAMES)) env[name] = PLACEHOLDER;
  return { ...env, ...known };
}
