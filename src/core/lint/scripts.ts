import type { ScalarNode } from '../pipeline/source-tree.js';
import {
  commandContainers,
  commandContainerTexts,
  commandScalars,
  hasEffective,
  scalarsOf,
} from './command-containers.js';
import type { LintCommandStep, LintDocument } from './document.js';
import type { Span } from './finding.js';
import { nodeAt, writtenText } from './nodes.js';
import { PLACEHOLDER } from './placeholder.js';
import { mapScalar } from './text/locate.js';
import { asUploaded } from './text/uploaded.js';
import { parseUploadText } from './text/upload-text.js';
import type { WrittenContainer } from './written-containers.js';
import type { LintWorld } from './world.js';

/** What a shell of the job runs: the items of a command, a line each. */
export interface CommandScript {
  /** As the shell gets it, but for variables that only the upload knows. */
  readonly text: string;
  /** The items it is joined from. */
  readonly items: readonly ScalarNode[];
  /** The containers it runs in; none = the controller's default one, or those of a PodTemplate. */
  readonly containers: readonly WrittenContainer[];
  /** It is the command of the step, not of a container. */
  readonly ofStep: boolean;
}

/** All scripts of a step: its own command, and those of its containers. */
export function commandScripts(step: LintCommandStep): readonly CommandScript[] {
  const containers = commandContainers(step);
  const idle = containers.filter((container) => !hasEffective(step, container, 'command'));
  const own = containers.length > 0 && idle.length === 0 ? [] : commandScalars(step);
  return [
    { items: own, containers: idle, ofStep: true },
    ...commandContainerTexts(step).map((container) => ({
      items: scalarsOf(nodeAt(container.node, ['command'])),
      containers: [container],
      ofStep: false,
    })),
  ]
    .filter(({ items }) => items.length > 0)
    .map((script) => ({ ...script, text: script.items.map(({ text }) => text).join('\n') }));
}

/** Where a piece of a script was written; the beginning of its item when that cannot be told. */
export function locateInScript(
  { items }: CommandScript,
  { start, end }: Span,
  { document, world }: { readonly document: LintDocument; readonly world: LintWorld },
): Span {
  let offset = 0;
  for (const item of items) {
    const next = offset + item.text.length + 1;
    if (start < next) {
      const piece = { start: start - offset, end: Math.min(end - offset, item.text.length) };
      return locateInScalar(item, piece, { text: document.text, env: world.env }) ?? firstLine(item, document.text);
    }
    offset = next;
  }
  return items[0] ?? { start: 0, end: 0 };
}

interface Surroundings {
  readonly text: string;
  readonly env: Readonly<Record<string, string>>;
}

function locateInScalar(item: ScalarNode, piece: Span, { text, env }: Surroundings): Span | undefined {
  const written = writtenText(item);
  const uploaded = asUploaded(parseUploadText(written), ({ name }) => env[name] ?? PLACEHOLDER);
  const inWritten = item.written === undefined ? piece : uploaded.locate(piece.start, piece.end);
  if (item.written !== undefined && uploaded.text !== item.text) return undefined;
  const span = mapScalar(text.slice(item.start, item.end), written)?.locate(inWritten.start, inWritten.end);
  return span === undefined ? undefined : { start: item.start + span.start, end: item.start + span.end };
}

function firstLine({ start, end }: Span, text: string): Span {
  const line = text.indexOf('\n', start);
  return { start, end: line < 0 ? end : Math.min(end, line) };
}
