import { isReservedContainerName } from '../../job/identity.js';
import type { ListNode, ScalarNode } from '../../pipeline/source-tree.js';
import { scalarsOf } from '../command-containers.js';
import type { LintCommandStep } from '../document.js';
import type { Fix } from '../finding.js';
import { nodeAt, writtenText } from '../nodes.js';
import type { Found, StepContext } from '../rule.js';
import { writtenContainers } from '../written-containers.js';

/** A word that no shell would change. */
const PLAIN_WORDS = /^[\w@%+=:,./-]+(?: +[\w@%+=:,./-]+)*$/;

/** Between words, or the end of a line that `|` keeps. */
const BLANK = /\S\s+\S|\S\n+$/;

/** Shell lines where Kubernetes expects the words of an argument vector. */
export function* shellLines(step: LintCommandStep, { document }: StepContext): Iterable<Found> {
  for (const { node, role, name } of writtenContainers(step)) {
    const command = nodeAt(node, ['command']);
    const [first] = scalarsOf(command);
    if (role === 'command' || isReservedContainerName(name) || command?.kind !== 'list') continue;
    if (first === undefined || !BLANK.test(first.text) || first.text.includes('{{')) continue;
    const where = role === 'sidecar' ? 'a sidecar' : 'an init container';
    yield shellLine(first, command, { where, text: document.text });
  }
}

interface Surroundings {
  /** What kind of container it is, for the message. */
  readonly where: string;
  readonly text: string;
}

function shellLine(line: ScalarNode, command: ListNode, { where, text }: Surroundings): Found {
  const written = writtenText(line).trim();
  const trimmed = line.text.trim();
  const words = PLAIN_WORDS.test(trimmed) && line.written === undefined ? trimmed.split(/ +/).map(quoted) : [];
  const shown = words.length > 0 ? `[${words.join(', ')}]` : '[sh, -c, "…"]';
  return {
    rule: 'sidecar/shell-line',
    at: line.style === 'literal' || line.style === 'folded' ? { start: line.start, end: line.start + 1 } : line,
    message: `in ${where} "command" is an argument vector, not a shell line: no program is called "${cut(written)}"${/\s/.test(trimmed) ? '' : ' with the end of the line'}, so the container never starts and the job fails when the pending timeout is over; write ${shown}`,
    fix: words.length > 0 && command.items.length === 1 ? split(line, command, { words, text }) : undefined,
  };
}

function cut(text: string): string {
  const line = text.split('\n', 1)[0] ?? '';
  return line.length > 40 || line !== text ? `${line.slice(0, 39)}…` : line;
}

function split(
  item: ScalarNode,
  list: ListNode,
  { words, text }: { words: readonly string[]; text: string },
): Fix | undefined {
  if (list.alias !== undefined || item.alias !== undefined || item.style === 'literal' || item.style === 'folded')
    return undefined;
  const glue = text[list.start] === '[' ? ', ' : `\n${' '.repeat(list.at.column - 1)}- `;
  return {
    description: 'write one item for each word',
    edits: [{ start: item.start, end: item.end, text: words.join(glue) }],
  };
}

function quoted(word: string): string {
  const isPlain =
    /^(?:--?)?[A-Za-z_./][\w./=@%+-]*$/.test(word) && !/^(?:true|false|yes|no|on|off|null|y|n|~)$/i.test(word);
  return isPlain ? word : JSON.stringify(word);
}
