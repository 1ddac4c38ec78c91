import type { ListNode, MapEntry, ScalarNode, SourceNode } from '../../pipeline/source-tree.js';
import { effectiveInterposer } from '../../manifest/build-context.js';
import { commandContainerTexts, commandEntry, hasValue, isOpen, scalarsOf } from '../command-containers.js';
import type { LintCommandStep } from '../document.js';
import type { Fix } from '../finding.js';
import { entryAt, itemsOf, nodeAt } from '../nodes.js';
import { isUnknown } from '../placeholder.js';
import type { Found, DocumentContext } from '../rule.js';

const SHELL = /^(?:\/(?:[\w.-]+\/)*)?(?:ba|da|a|z|k|mk|fi)?sh$/;
const ENV = /^(?:\/usr)?(?:\/bin\/)?env$/;
/** A group of short options with `c`, e.g. `-c`, `-lc`, `-ec`. */
const RUN_TEXT = /^-[A-Za-z]*c[A-Za-z]*$/;

/** As written, in quotes or not. */
const PLAIN_WORD = /^(['"]?)[\w-]+\1$/;

type Shape = 'command/shell-vector' | 'command/vector-like';

/** Commands written as argument vectors where each item is a line of a script. */
export function* shellVectors(step: LintCommandStep, context: DocumentContext): Iterable<Found> {
  yield* stepCommand(step);
  if (!isInterposedByLine(step, context)) return;
  for (const { node } of commandContainerTexts(step)) {
    const command = entryAt(node, ['command']);
    const shape = shapeOf(command?.value);
    if (command?.value.kind !== 'list' || shape === undefined) continue;
    const isShared = command.merge !== undefined || command.value.alias !== undefined;
    yield {
      rule: shape,
      at: atOf(command.value, command.keySpan),
      message: messageOf(shape, command.value, hasValue(node, 'args')),
      fix: shape === 'command/shell-vector' && !isShared ? moveOptions(node, command.value, context) : undefined,
    };
  }
}

function* stepCommand(step: LintCommandStep): Iterable<Found> {
  const command = commandEntry(step);
  const shape = shapeOf(command?.value);
  if (command?.value.kind !== 'list' || shape === undefined) return;
  const what =
    shape === 'command/shell-vector'
      ? 'this starts a shell that waits for input'
      : `"${shown(command.value.items[1])}" is run as a command`;
  yield {
    rule: shape,
    at: atOf(command.value, command.keySpan),
    message: `each item of the step's command is a line of its own, so ${what}; write the line as one text`,
  };
}

/** Whether each item of a container's command becomes a line of a script; false when only the upload knows. */
export function isInterposedByLine(step: LintCommandStep, context: DocumentContext): boolean {
  return interposerOf(step, context) === 'buildkite';
}

/** How the controller makes a command of a container's `command`; undefined when only the upload knows. */
export function interposerOf(step: LintCommandStep, { world }: DocumentContext): string | undefined {
  const node = nodeAt(step.kubernetes.at(-1)?.config, ['commandParams', 'interposer']);
  if (node?.kind === 'scalar' && isUnknown(node.text)) return undefined;
  if (node?.kind === 'scalar' && node.text !== '') return node.text;
  return effectiveInterposer({ plugin: {}, config: world.config });
}

/** Whether items look like the words of one command rather than like lines of a script. */
export function isArgumentVector(items: readonly ScalarNode[]): boolean {
  return shapeOfWords(items.map(({ text }) => text)) !== undefined;
}

/** Whether words are `SHELL -c SCRIPT …`. */
export function startsShellWithText([shell, option]: readonly ScalarNode[]): boolean {
  return SHELL.test(shell?.text ?? '') && RUN_TEXT.test(option?.text ?? '');
}

function shapeOf(value: SourceNode | undefined): Shape | undefined {
  return shapeOfWords(scalarsOf(value).map(({ text }) => text));
}

function shapeOfWords(words: readonly string[]): Shape | undefined {
  const [program = '', option = ''] = ENV.test(words[0] ?? '') ? words.slice(1) : words;
  if (!isProgram(program) || !/^-{1,2}[A-Za-z0-9]/.test(option)) return undefined;
  const runsText = SHELL.test(program) && words.some((word) => RUN_TEXT.test(word));
  return runsText ? 'command/shell-vector' : 'command/vector-like';
}

/** A single word that is known. */
function isProgram(word: string): boolean {
  return word !== '' && !/\s/.test(word.trim()) && !isUnknown(word) && !isOpen(word);
}

function atOf({ start, end, items }: ListNode, keySpan: { start: number; end: number }) {
  const isOneLine = items.every((item) => item.at.line === items[0]?.at.line) && items.at(-1)?.kind === 'scalar';
  return isOneLine ? { start, end } : keySpan;
}

function messageOf(shape: Shape, { items }: ListNode, hasArgs: boolean): string {
  const [program, option] = [shown(items[0]), shown(items[1])];
  if (shape === 'command/vector-like')
    return `each "command" item is a line of its own, so "${option}" is run as a command and "${program}" without it; write one item, or set "commandParams.interposer" to "vector"`;
  const script = hasArgs ? 'the script in "args"' : 'the script';
  return `each "command" item is a line of its own, so this starts a "${program}" that waits for input and never gets ${script}; write the script as "command", or set "commandParams.interposer" to "vector"`;
}

function shown(node: SourceNode | undefined): string {
  return node?.kind === 'scalar' ? (node.written ?? node.text) : '';
}

/** `[sh, -c]` + `[x]` → `[sh]` + `[-c, x]`, which the interposer makes the line `sh -c x` from. */
function moveOptions(container: SourceNode, command: ListNode, { document }: DocumentContext): Fix | undefined {
  const items = scalarsOf(command);
  const [shell, ...rest] = items;
  const args = entryAt(container, ['args']);
  if (shell === undefined || rest.length === 0 || ENV.test(shell.text)) return undefined;
  const description = 'leave only the shell in "command"; the rest are its arguments';
  if (args === undefined) return newArgs(command, rest, { container, description, text: document.text });
  const words = rest.map(({ start, end }) => document.text.slice(start, end));
  const first = ownItems(args)[0];
  const last = rest.at(-1);
  if (first === undefined || last === undefined || !words.every((word) => PLAIN_WORD.test(word))) return undefined;
  if (document.text.slice(shell.end, last.end).includes('#')) return undefined;
  const isFlow = document.text[args.value.start] === '[';
  const glue = isFlow ? ', ' : `\n${' '.repeat(args.value.at.column - 1)}- `;
  return {
    description,
    edits: [
      { start: shell.end, end: last.end, text: '' },
      { start: first.start, end: first.start, text: words.map((word) => word + glue).join('') },
    ],
  };
}

/** The items of a list that is written right here. */
function ownItems({ merge, value }: MapEntry): readonly SourceNode[] {
  return merge === undefined && value.alias === undefined ? itemsOf(value) : [];
}

interface NewArgs {
  readonly container: SourceNode;
  readonly description: string;
  readonly text: string;
}

function newArgs(command: ListNode, rest: readonly ScalarNode[], { container, description, text }: NewArgs) {
  const [shell] = scalarsOf(command);
  const key = entryAt(container, ['command'])?.keySpan;
  const first = rest[0];
  if (shell === undefined || first === undefined || key === undefined) return undefined;
  const indent = keyIndent(text, key.start);
  const isFlow = text[command.start] === '[';
  if (indent === undefined) {
    return isFlow && text[container.start] === '{'
      ? { description, edits: [{ start: shell.end, end: first.start, text: '], args: [' }] }
      : undefined;
  }
  return {
    description,
    edits: [
      isFlow
        ? { start: shell.end, end: first.start, text: `]\n${indent}args: [` }
        : { start: shell.end, end: shell.end, text: `\n${indent}args:` },
    ],
  };
}

/** White space that puts a line under the key; undefined when the key does not begin its line. */
function keyIndent(text: string, start: number): string | undefined {
  const line = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
  return /^ *(?:- +)*$/.test(line) ? ' '.repeat(line.length) : undefined;
}
