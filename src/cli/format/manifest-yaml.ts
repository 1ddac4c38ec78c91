/** Words and shapes that one YAML version or another takes for something else than a string. */
const AMBIGUOUS =
  /^(?:[-+.]?[0-9].*|[-+]?[0-9_.]*(?:e[-+]?[0-9]+)?|y|n|yes|no|on|off|true|false|null|~|<<|=|[-+]?\.(?:nan|inf)|---.*|\.\.\..*)$/is;
/** Text that stands for itself on a line: starts with no indicator, has neither `: ` nor ` #`, ends with no colon or space. */
const PLAIN = /^(?:[^\s\-?:,[\]{}#&*!|>'"%@`]|[-?:](?=[^\s,[\]{}]))(?!.*(?:: | #))(?:.*[^\s:])?$/;
/** What YAML calls printable, without the line ends that only some readers know. */
const PRINTABLE = /^[\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]*$/;
/** Only these escapes are left after JSON's own. */
const UNPRINTABLE = /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g;

interface Style {
  readonly sortKeys: boolean;
}

/**
 * An object as YAML that every reader of YAML 1.1 or 1.2 understands alike; keys keep their order, long lines are not
 * folded. The yaml package can print too, but takes longer for a first small manifest than the rest of `render` does.
 */
export function toYaml(value: unknown): string {
  return topLevel(value, { sortKeys: false });
}

/** The same with sorted keys: two objects that mean the same are the same text, for comparing. */
export function toSortedYaml(value: unknown): string {
  return topLevel(value, { sortKeys: true });
}

/** Several objects as a stream of documents. */
export function toYamlStream(values: readonly unknown[]): string {
  return values.map(toYaml).join('---\n');
}

function topLevel(value: unknown, style: Style): string {
  return isCollection(value) ? lines(value, '', style) : `${scalar(value, '')}\n`;
}

/** Lines of a collection that is not empty, each with its indent and line end. */
function lines(collection: object, indent: string, style: Style): string {
  if (Array.isArray(collection)) {
    // What follows a dash is two characters further in, but its first line stands beside the dash.
    return collection.map((item) => `${indent}-${inner(item, `${indent}  `, style, ' ')}`).join('');
  }
  const entries = Object.entries(collection).filter(([, value]) => value !== undefined);
  if (style.sortKeys) entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([key, value]) => `${indent}${oneLine(key)}:${inner(value, `${indent}  `, style, '\n')}`).join('');
}

function inner(value: unknown, indent: string, style: Style, before: ' ' | '\n'): string {
  if (!isCollection(value)) return ` ${scalar(value, indent)}\n`;
  const text = lines(value, indent, style);
  return before === ' ' ? ` ${text.slice(indent.length)}` : `\n${text}`;
}

/** Whether the value needs lines of its own. */
function isCollection(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.values(value).some((member) => member !== undefined);
}

function scalar(value: unknown, indent: string): string {
  if (typeof value === 'string') return isBlock(value) ? block(value, indent) : oneLine(value);
  if (Array.isArray(value)) return '[]';
  return typeof value === 'object' && value !== null ? '{}' : JSON.stringify(value ?? null);
}

function oneLine(text: string): string {
  const isPrintable = PRINTABLE.test(text) && !/[\t\n]/.test(text);
  if (isPrintable && PLAIN.test(text) && !AMBIGUOUS.test(text)) return text;
  if (isPrintable && text.includes('"') && !text.includes("'")) return `'${text}'`;
  return JSON.stringify(text).replace(UNPRINTABLE, (character) => `\\u${hex(character)}`);
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(4, '0');
}

/** Scripts. A block cannot start with space, and lines of nothing but space would be lost on the eye. */
function isBlock(text: string): boolean {
  return text.includes('\n') && /^\S/.test(text) && !/^[\t ]+$/m.test(text) && PRINTABLE.test(text);
}

function block(text: string, indent: string): string {
  const [, body = '', end = ''] = /^([^]*?)(\n*)$/.exec(text) ?? [];
  const chomping = end === '' ? '-' : end === '\n' ? '' : '+';
  const indented = body.replace(/^(?=.)/gm, indent);
  // The line end after the last line is the caller's.
  return `|${chomping}\n${indented}${end.slice(1)}`;
}
