import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { V1Job } from '@kubernetes/client-node';
import { parse } from 'yaml';

export type ExpectedVerdict = 'accepted' | 'refused' | 'stuck' | 'odd';

/** One Job of `fixtures/lint/api-verdicts.yaml` and what is known of it. */
export interface VerdictRow {
  /** Id of the rule that its problems belong to. */
  readonly rule: string;
  readonly expected: ExpectedVerdict;
  readonly title: string;
  readonly job: V1Job;
  /** Where we see problems, as `formatPath` writes places. */
  readonly at: readonly string[];
  /** The fields the API server names, from the root of the Job; none when it takes the Job. */
  readonly server: readonly string[];
}

interface WrittenRow extends Partial<Record<ExpectedVerdict, string>> {
  readonly pod?: unknown;
  readonly job?: unknown;
  readonly at?: string | readonly string[];
  readonly server?: string | readonly string[];
}

const FILE = resolve(import.meta.dirname, '../../../fixtures/lint/api-verdicts.yaml');
const VERDICTS: readonly ExpectedVerdict[] = ['accepted', 'refused', 'stuck', 'odd'];

/** All rows, with the Jobs made whole. */
export function verdictRows(): VerdictRow[] {
  const { base, rows } = parse(readFileSync(FILE, 'utf8')) as {
    readonly base: unknown;
    readonly rows: Readonly<Record<string, readonly WrittenRow[]>>;
  };
  return Object.entries(rows).flatMap(([rule, list]) => list.map((row) => readRow(rule, row, base)));
}

function readRow(rule: string, row: WrittenRow, base: unknown): VerdictRow {
  const expected = VERDICTS.find((verdict) => row[verdict] !== undefined);
  if (expected === undefined) throw new Error(`a row of "${rule}" says no verdict: ${JSON.stringify(row)}`);
  const at = listOf(row.at);
  const server = row.server === undefined ? at : listOf(row.server);
  return {
    rule,
    expected,
    title: row[expected] ?? '',
    job: wholeJob(row, base),
    at,
    server: expected === 'refused' ? [...new Set(server.map(inJob))] : [],
  };
}

function wholeJob({ pod, job }: WrittenRow, base: unknown): V1Job {
  const name = 'buildkite-00000000-0000-0000-0000-000000000000';
  const good = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: { backoffLimit: 0, template: { spec: merged(base, pod) } },
  };
  const whole = merged(good, job) as V1Job;
  const { labels, annotations } = whole.metadata ?? {};
  return {
    ...whole,
    spec: { ...whole.spec, template: { ...whole.spec?.template, metadata: { labels, annotations } } },
  } as V1Job;
}

/** Objects by key and lists by index; null takes away. */
function merged(base: unknown, change: unknown): unknown {
  if (change === undefined) return base;
  if (Array.isArray(base) && Array.isArray(change)) {
    const length = Math.max(base.length, change.length);
    return Array.from({ length }, (_, index) => merged(base[index], change[index]));
  }
  if (!isMap(base) || !isMap(change)) return change;
  const keys = [...new Set([...Object.keys(base), ...Object.keys(change)])].filter((key) => change[key] !== null);
  return Object.fromEntries(keys.map((key) => [key, merged(base[key], change[key])]));
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listOf(value: string | readonly string[] = []): string[] {
  return typeof value === 'string' ? [value] : [...value];
}

/** The place as the API server writes it. */
function inJob(path: string): string {
  return /^(?:metadata|spec)\./.test(path) ? path : `spec.template.spec.${path}`;
}
