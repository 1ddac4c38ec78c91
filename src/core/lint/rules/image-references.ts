import { parseImageReference } from '../../manifest/image-reference.js';
import type { ScalarNode, SourceNode } from '../../pipeline/source-tree.js';
import type { LintCommandStep, LintDocument } from '../document.js';
import type { Fix, Span } from '../finding.js';
import { splitImage } from '../image-names.js';
import type { LintJob } from '../lint-job.js';
import { nodeAt, type Path, writtenText } from '../nodes.js';
import { isUnknown, PLACEHOLDER } from '../placeholder.js';
import type { Found, StepContext } from '../rule.js';
import { writtenContainers } from '../written-containers.js';

/** Judges every image of a step by its form: what only the upload knows may be anything that fits. */
export function* imageReferences(step: LintCommandStep, { document }: StepContext): Iterable<Found> {
  for (const image of imagesOf(step)) {
    const found = judge(image, document);
    if (found !== undefined) yield found;
  }
}

/** Images that a matrix completes, each as one combination makes it; the others have been judged as they are written. */
export function* matrixImages(job: LintJob, { document }: StepContext): Iterable<Found> {
  for (const { node, within, path } of writtenContainers(job.step)) {
    const image = nodeAt(node, ['image']);
    const list: readonly unknown[] = within === 'sidecars' ? (job.plugin.sidecars ?? []) : podList(job, path);
    const container = within === 'podSpecPatch' ? undefined : list[Number(path.at(-1))];
    yield* completed(image, Reflect.get(Object(container), 'image'), document);
  }
  yield* completed(nodeAt(job.step.step.source, ['image']), job.input.job.env.BUILDKITE_IMAGE, document);
}

function podList({ plugin }: LintJob, [, list]: Path): readonly unknown[] {
  return (list === 'initContainers' ? plugin.podSpec?.initContainers : plugin.podSpec?.containers) ?? [];
}

function* completed(node: SourceNode | undefined, text: unknown, document: LintDocument): Iterable<Found> {
  if (node?.kind !== 'scalar' || typeof text !== 'string' || !/\{\{\s*matrix/.test(node.text)) return;
  if (text.includes('{{') || judge(node, document) !== undefined) return;
  const found = judge({ ...node, text, written: text }, document);
  if (found !== undefined) yield found;
}

function* imagesOf(step: LintCommandStep): Iterable<ScalarNode> {
  const containers = writtenContainers(step).map(({ node }) => nodeAt(node, ['image']));
  for (const node of [nodeAt(step.root, ['image']), nodeAt(step.step.source, ['image']), ...containers]) {
    if (node?.kind === 'scalar' && typeof node.value === 'string' && node.text !== '') yield node;
  }
}

const MATRIX_TOKEN = /\{\{\s*matrix[^}]*\}\}/g;

function judge(node: ScalarNode, { text: source }: LintDocument): Found | undefined {
  const text = node.text.replace(MATRIX_TOKEN, PLACEHOLDER);
  const written = writtenText(node);
  const capitals = capitalsOf(text);
  if (capitals !== undefined) return uppercase(node, capitals, source);
  const parsed = parseImageReference(text);
  if (parsed.ok || isOpenDigest(text)) return undefined;
  const [shown] = written.split('\n', 1);
  return {
    rule: 'image/reference',
    at: spanOf(node, source),
    message: `invalid image reference "${shown}": ${whyInvalid(text) ?? parsed.error}; the job fails before its container starts`,
  };
}

/** A digest of which a part is known only at the upload. */
function isOpenDigest(text: string): boolean {
  const [named = '', digest] = text.split('@', 2);
  return digest !== undefined && isUnknown(digest) && parseImageReference(named).ok;
}

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^[a-z][a-z0-9+.-]*:\/\//i, 'an image has no scheme such as "https://"'],
  [/^\s|\s$/, 'white space at its beginning or end'],
  [/\s#/, 'a "#" inside quotes is no comment; unexpected space after the tag'],
  [/:[^/\s]*\s/, 'unexpected space after the tag'],
  [/\s/, 'unexpected space'],
  [/:$/, 'the tag is empty'],
  [/@$/, 'the digest is empty'],
  [/\/$/, 'it ends with "/"'],
  [/^\//, 'it begins with "/"'],
  [/\/\//, 'a part of its path is empty'],
  [/:[^/@]*:[^/@]*(?:@|$)/, 'two tags'],
  [/:[^/@]{129,}(?:@|$)/, 'a tag has at most 128 characters'],
  [/:[.-][^/@]*(?:@|$)/, 'a tag begins with a letter, a digit or "_"'],
  [/:[^/@]*\+/, '"+" may not be part of a tag'],
];

function whyInvalid(text: string): string | undefined {
  const reason = REASONS.find(([pattern]) => pattern.test(text))?.[1];
  if (reason !== undefined) return reason;
  const digest = text.split('@')[1];
  const hex = /^sha256:([0-9a-f]*)$/.exec(digest ?? '')?.[1];
  if (hex !== undefined && hex.length !== 64) return `a sha256 digest has 64 hexadecimal digits, not ${hex.length}`;
  return digest === undefined ? undefined : 'a digest is written "sha256:" and 64 hexadecimal digits';
}

interface Capitals {
  /** The path of the repository as written. */
  readonly path: string;
  /** Whether a runtime could take the part with capitals for a host. */
  readonly isHost: boolean;
}

function capitalsOf(text: string): Capitals | undefined {
  const { path } = splitImage(text);
  if (!/[A-Z]/.test(path)) return undefined;
  const small = text.replace(path, path.toLowerCase());
  if (!parseImageReference(small).ok && !isOpenDigest(small)) return undefined;
  return { path, isHost: parseImageReference(text).ok };
}

function uppercase(node: ScalarNode, { path, isHost }: Capitals, source: string): Found {
  const whole = spanOf(node, source);
  const from = source.slice(whole.start, whole.end).indexOf(path);
  const isPlaced = from >= 0 && node.written === undefined;
  const at = isPlaced ? { start: whole.start + from, end: whole.start + from + path.length } : whole;
  const shown = isPlaced ? path : writtenText(node);
  const fix: Fix = { description: 'write the path in lower case', edits: [{ ...at, text: path.toLowerCase() }] };
  return {
    rule: 'image/uppercase',
    at,
    message: isHost
      ? `image names are lower-case; the part with capitals in "${shown}" is taken for the name of a registry that does not exist, so the image cannot be pulled`
      : `image names are lower-case; "${shown}" is not valid and the job fails before it starts`,
    fix: isPlaced ? fix : undefined,
  };
}

/** The scalar, without what stands on further lines. */
function spanOf({ start, end }: ScalarNode, source: string): Span {
  const line = source.indexOf('\n', start);
  return { start, end: line > start ? Math.min(end, line) : end };
}
