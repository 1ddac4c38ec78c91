import type { ChalkInstance } from 'chalk';
import { Listr, type ListrTaskWrapper, type DefaultRenderer, type SimpleRenderer } from 'listr2';

/** The part of the sandbox's events that views show; `--json` prints whole events instead. */
export interface JobNews {
  readonly jobId: string;
  readonly label: string;
  readonly station: string;
  readonly exitStatus?: number | undefined;
  readonly retryOf?: string | undefined;
  readonly softFailed?: boolean | undefined;
  readonly log?: string | undefined;
  readonly failure?: string | undefined;
}

/** Shows jobs on their way. */
export interface JobView {
  show(news: JobNews): void;
  /** A line that belongs to no job. */
  say(line: string): void;
  /** Ends the display; resolves when everything is written. */
  close(): Promise<void>;
}

const ENDS: ReadonlySet<string> = new Set(['passed', 'failed', 'canceled', 'skipped']);

/** One line a station: for pipes, files and CI. */
export function plainView(write: (text: string) => void, colours: ChalkInstance): JobView {
  return {
    show(news) {
      if (news.station === 'waiting') return;
      write(`${painted(news, colours)}\n`);
      for (const line of failureLines(news)) write(`  ${colours.dim('|')} ${line}\n`);
    },
    say: (line) => write(`${line}\n`),
    close: () => Promise.resolve(),
  };
}

function painted(news: JobNews, { green, red, dim }: ChalkInstance): string {
  const station = news.station.padEnd(9);
  const colour = news.station === 'passed' ? green : news.station === 'failed' ? red : dim;
  return `${colour(station)} ${title(news)}${detail(news)}`;
}

function title({ label, retryOf }: JobNews): string {
  return retryOf === undefined ? label : `${label} (retry)`;
}

function detail({ station, exitStatus, softFailed }: JobNews): string {
  if (station !== 'failed') return '';
  return ` (exit status ${exitStatus ?? -1}${softFailed === true ? ', soft fail' : ''})`;
}

function failureLines({ station, log, failure }: JobNews): string[] {
  if (station !== 'failed') return [];
  return [failure, log]
    .filter((text) => text !== undefined && text.trim() !== '')
    .flatMap((text) => (text ?? '').trimEnd().split(/\r?\n/));
}

type Task = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>;

/** A job's task in the list: what happened before the renderer took it up is kept. */
interface Entry {
  news: JobNews;
  task: Task | undefined;
  finish: () => void;
}

/** A living list for terminals: a line a job with a spinner, the log below a failed one. */
export function listView(write: (text: string) => void, colours: ChalkInstance): JobView {
  const entries = new Map<string, Entry>();
  const said: string[] = [];
  const waiting: Entry[] = [];
  let closing = false;
  let wake: () => void = () => undefined;
  // The list cannot grow while it is shown: jobs that come later (retries, uploads) make the next one.
  const shown = (async () => {
    while (!closing || waiting.length > 0) {
      if (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      // Jobs of one build come in one go.
      await new Promise((resolve) => setTimeout(resolve, 50));
      const round = waiting.splice(0);
      if (round.length > 0)
        await new Listr(round.map(listTask), {
          concurrent: true,
          exitOnError: false,
          rendererOptions: { collapseErrors: false, showErrorMessage: false },
        }).run();
      for (const line of said.splice(0)) write(`${line}\n`);
    }
  })();
  return {
    show(news) {
      const known = entries.get(news.jobId);
      if (known !== undefined) return update(known, news, said, colours);
      const entry: Entry = { news, task: undefined, finish: () => undefined };
      entries.set(news.jobId, entry);
      waiting.push(entry);
      update(entry, news, said, colours);
      wake();
    },
    say: (line) => void said.push(line),
    close: async () => {
      closing = true;
      for (const entry of entries.values()) entry.finish();
      wake();
      await shown;
    },
  };
}

function listTask(entry: Entry) {
  return {
    title: `${title(entry.news)}  ${entry.news.station}`,
    task: async (_: unknown, task: Task): Promise<void> => {
      entry.task = task;
      task.title = `${title(entry.news)}  ${entry.news.station}`;
      if (!ENDS.has(entry.news.station)) await new Promise<void>((resolve) => (entry.finish = resolve));
      if (entry.news.station === 'failed') throw new Error(`${title(entry.news)}${detail(entry.news)}`);
    },
  };
}

function update(entry: Entry, news: JobNews, said: string[], colours: ChalkInstance): void {
  entry.news = news;
  if (entry.task !== undefined) entry.task.title = `${title(news)}  ${colours.dim(news.station)}${detail(news)}`;
  if (!ENDS.has(news.station)) return;
  const lines = failureLines(news);
  if (lines.length > 0)
    said.push(
      `${colours.red('failed')} ${title(news)}${detail(news)}`,
      ...lines.map((line) => `  ${colours.dim('|')} ${line}`),
    );
  entry.finish();
}
