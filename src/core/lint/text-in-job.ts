import type { SourceNode } from '../pipeline/source-tree.js';
import type { LintJob } from './lint-job.js';
import { knownText } from './nodes.js';
import { isUnknown } from './placeholder.js';

const TOKEN = /\{\{\s*matrix(?:\.([\w.-]+))?\s*\}\}/g;

/** The text of a scalar in one job, with the job's elements of the matrix; undefined when not all of it is known. */
export function textInJob(node: SourceNode | undefined, { variant }: Pick<LintJob, 'variant'>): string | undefined {
  const known = knownText(node);
  return known === undefined ? undefined : fillTokens(known, variant);
}

/** The same for a piece of a scalar. */
export function fillTokens(text: string, { permutation }: LintJob['variant']): string | undefined {
  const filled = text.replaceAll(TOKEN, (token, name: string = '') => permutation?.[name] ?? token);
  return isUnknown(filled) || filled.includes('{{') || filled.includes('$') ? undefined : filled;
}
