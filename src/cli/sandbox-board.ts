import type { ChalkInstance } from 'chalk';
import type { SandboxJobEvent } from '../core/sandbox-event.js';

/** A job with its retries: one line of the board. */
interface Row {
  news: SandboxJobEvent;
  tries: number;
}

/** The less, the more it deserves a line when there is not room for all. */
const INTEREST: Readonly<Record<string, number>> = {
  running: 0,
  pending: 0,
  created: 0,
  failed: 1,
  reserved: 2,
  passed: 3,
  canceled: 3,
  scheduled: 4,
  waiting: 5,
  skipped: 6,
};

const ENDS: ReadonlySet<string> = new Set(['passed', 'failed', 'canceled', 'skipped']);
const SIGNS: Readonly<Record<string, string>> = { passed: '✔', failed: '✖', running: '▸', canceled: '■', skipped: '-' };

/** All jobs of a build and where they are; a retry takes the line of the job it repeats. */
export class JobBoard {
  readonly #rows = new Map<string, Row>();

  show(news: SandboxJobEvent): void {
    const repeated = news.retryOf === undefined ? undefined : this.#rows.get(news.retryOf);
    const row = this.#rows.get(news.jobId) ?? repeated ?? { news, tries: 0 };
    if (!this.#rows.has(news.jobId)) row.tries += 1;
    row.news = news;
    this.#rows.set(news.jobId, row);
  }

  /** Jobs, retries not counted. */
  get size(): number {
    return this.#all().length;
  }

  /** Such as `3 of 9 jobs ended: 2 passed, 1 failed, 4 running, 2 waiting`. */
  summary(): string {
    const rows = this.#all();
    const ended = rows.filter(({ news }) => ENDS.has(news.station)).length;
    return `${ended} of ${rows.length} jobs ended: ${countsOf(rows)}`;
  }

  /** A line a job, in the order of the pipeline; of more jobs than `room` the ones worth watching and a count of the others. */
  lines(room: number, colours: ChalkInstance): readonly string[] {
    const rows = this.#all();
    if (rows.length <= room) return rows.map((row) => rowLine(row, colours));
    const byInterest = [...rows].sort((a, b) => interestOf(a) - interestOf(b));
    const chosen = new Set(byInterest.slice(0, Math.max(0, room - 1)));
    const others = rows.filter((row) => !chosen.has(row));
    return [
      ...rows.filter((row) => chosen.has(row)).map((row) => rowLine(row, colours)),
      colours.dim(`… and ${others.length} more: ${countsOf(others)}`),
    ];
  }

  #all(): readonly Row[] {
    return [...new Set(this.#rows.values())];
  }
}

/** One line a station, for a stream of lines. */
export function stationLine(news: SandboxJobEvent, colours: ChalkInstance): string {
  return `${painted(news.station.padEnd(9), news, colours)} ${titleOf(news)}${endDetail(news)}`;
}

/** Why a job failed and what it printed, without colours. */
export function failureLines({ station, log, failure }: SandboxJobEvent): readonly string[] {
  if (station !== 'failed') return [];
  return [failure, log].flatMap((text = '') => (text.trim() === '' ? [] : text.trimEnd().split(/\r?\n/)));
}

function rowLine({ news, tries }: Row, colours: ChalkInstance): string {
  const again = tries > 1 ? ` (try ${tries})` : '';
  const sign = painted(SIGNS[news.station] ?? '◦', news, colours);
  return `${sign} ${painted(news.station.padEnd(9), news, colours)} ${news.label}${again}${endDetail(news)}`;
}

function titleOf({ label, retryOf }: SandboxJobEvent): string {
  return retryOf === undefined ? label : `${label} (retry)`;
}

function endDetail({ station, exitStatus, softFailed }: SandboxJobEvent): string {
  if (station !== 'failed') return '';
  return ` (exit status ${exitStatus ?? -1}${softFailed === true ? ', soft fail' : ''})`;
}

function painted(
  text: string,
  { station, softFailed }: SandboxJobEvent,
  { green, red, yellow, cyan, dim }: ChalkInstance,
) {
  if (station === 'failed') return softFailed === true ? yellow(text) : red(text);
  if (station === 'passed') return green(text);
  return station === 'running' ? cyan(text) : dim(text);
}

function interestOf({ news }: Row): number {
  return INTEREST[news.station] ?? 0;
}

function countsOf(rows: readonly Row[]): string {
  const counts = new Map<string, number>();
  for (const { news } of rows) counts.set(news.station, (counts.get(news.station) ?? 0) + 1);
  return [...counts].map(([station, count]) => `${count} ${station}`).join(', ');
}
