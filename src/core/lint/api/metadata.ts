import { refused, type ApiProblem, type Context } from './api-problem.js';
import { FORMATS, matches } from './formats.js';
import { badNumber } from './ranges.js';
import { labels } from './scheduling.js';
import { isRecord } from '../../is-record.js';

const ANNOTATION_BYTES = 256 * 1024;

/** Name, labels and annotations of the Job (its pod has the same) and its limits. */
export function* jobProblems(job: unknown, context: Context): Iterable<ApiProblem> {
  const { metadata, spec } = isRecord(job) ? job : {};
  const { name, labels: labelMap, annotations } = isRecord(metadata) ? metadata : {};
  yield* jobName(name, context);
  yield* labels(texts(labelMap), ['metadata', 'labels'], context);
  yield* annotationProblems(texts(annotations), context);
  yield* jobLimits(spec, context);
}

/** The name becomes a label of the pod, so it is shorter than names may be. */
function* jobName(name: unknown, { isUnknown }: Context): Iterable<ApiProblem> {
  if (typeof name !== 'string') return;
  const isFine = matches({ ...FORMATS.dnsSubdomain, max: 63 }, name, isUnknown(name));
  const what = `"${name}" cannot be the name of a Job, which is at most 63 lower-case letters, digits, "-" and "."`;
  if (!isFine) yield refused({ rule: 'buildable', path: ['metadata', 'name'], what, remedy: 'shorten "job-prefix"' });
}

function* annotationProblems(all: Readonly<Record<string, string>>, { isUnknown }: Context): Iterable<ApiProblem> {
  let bytes = 0;
  for (const [key, value] of Object.entries(all)) {
    bytes += byteLength(key) + byteLength(value);
    if (matches(FORMATS.labelKey, key.toLowerCase(), isUnknown(key))) continue;
    const what = `"${key}" cannot be the name of an annotation (${FORMATS.labelKey.rule})`;
    const path = ['metadata', 'annotations', key];
    yield refused({ rule: 'metadata/label-syntax', path, what, remedy: 'rename it' });
  }
  if (bytes <= ANNOTATION_BYTES) return;
  const what = `the annotations have ${bytes} bytes, more than 256 KiB`;
  yield refused({ rule: 'metadata/label-syntax', path: ['metadata', 'annotations'], what, remedy: 'shorten them' });
}

/** In UTF-8, as Kubernetes counts. */
function byteLength(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4;
  }
  return bytes;
}

function* jobLimits(spec: unknown, { isUnknown }: Context): Iterable<ApiProblem> {
  for (const field of [
    'activeDeadlineSeconds',
    'backoffLimit',
    'parallelism',
    'completions',
    'ttlSecondsAfterFinished',
  ]) {
    const value = isRecord(spec) ? spec[field] : undefined;
    if (typeof value !== 'number' || value >= 0 || isUnknown(value)) continue;
    yield badNumber(['spec', field], value, [0, Number.POSITIVE_INFINITY]);
  }
}

function texts(map: unknown): Readonly<Record<string, string>> {
  const entries = isRecord(map) ? Object.entries(map) : [];
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
