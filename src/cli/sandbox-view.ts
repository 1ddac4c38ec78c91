import type { ChalkInstance } from 'chalk';
import { Listr } from 'listr2';
import type { SandboxJobEvent } from '../core/sandbox-event.js';
import { failureLines, JobBoard, stationLine } from './sandbox-board.js';

/** Shows jobs on their way. */
export interface JobView {
  show(news: SandboxJobEvent): void;
  /** A line that belongs to no job. */
  say(line: string): void;
  /** No job moves any more; lines may follow. */
  end(): void;
  /** Resolves when everything is written. */
  close(): Promise<void>;
}

/** One line a station: for pipes, files and CI. */
export function plainView(write: (text: string) => void, colours: ChalkInstance): JobView {
  return {
    show(news) {
      if (news.station === 'waiting') return;
      write(`${stationLine(news, colours)}\n`);
      for (const line of failureLines(news)) write(`  ${colours.dim('|')} ${line}\n`);
    },
    say: (line) => write(`${line}\n`),
    end: () => undefined,
    close: () => Promise.resolve(),
  };
}

/** How often the list is drawn anew. */
const FRAME_MS = 100;
/** Lines of a terminal that the list leaves free. */
const MARGIN = 4;
/** What is left on the terminal of a big build: not a screen for every job. */
const KEPT_LINES = 40;
const KEPT_LOGS = 10;

/** A living list for terminals; what is left of it in the end are the jobs with their ends, and the logs of those that failed. */
export function listView(write: (text: string) => void, colours: ChalkInstance): JobView {
  const board = new JobBoard();
  const failed: SandboxJobEvent[] = [];
  const said: string[] = [];
  let hold: () => void = () => undefined;
  let phase: 'before' | 'live' | 'after' = 'before';
  let shown: Promise<void> = Promise.resolve();

  const frame = (): string => [board.summary(), ...board.lines(roomOf(process.stdout), colours)].join('\n');
  const live = async (): Promise<void> => {
    await runList(frame, new Promise<void>((resolve) => (hold = resolve)));
    const rows = board.size > KEPT_LINES ? [board.summary()] : board.lines(KEPT_LINES, colours);
    for (const line of rows) write(`${line}\n`);
    for (const news of failed.slice(0, KEPT_LOGS)) writeLog(news);
    if (failed.length > KEPT_LOGS)
      write(`${colours.dim(`logs of ${failed.length - KEPT_LOGS} more failures: see them with --json, or | cat`)}\n`);
    phase = 'after';
    for (const line of said.splice(0)) write(`${line}\n`);
  };
  const writeLog = (news: SandboxJobEvent): void => {
    write(`${stationLine(news, colours)}\n`);
    for (const line of failureLines(news)) write(`  ${colours.dim('|')} ${line}\n`);
  };
  return {
    show(news) {
      board.show(news);
      if (failureLines(news).length > 0) failed.push(news);
      if (phase !== 'before') return;
      phase = 'live';
      shown = live();
    },
    // The list owns the terminal while it lives.
    say: (line) => {
      if (phase === 'live') said.push(line);
      else write(`${line}\n`);
    },
    end: () => hold(),
    close: async () => {
      hold();
      await shown;
    },
  };
}

/** Shows one frame after the other until `ended`. */
async function runList(frame: () => string, ended: Promise<void>): Promise<void> {
  const list = new Listr(
    [
      {
        title: frame(),
        task: async (_, task): Promise<void> => {
          const draw = setInterval(() => (task.title = frame()), FRAME_MS);
          await ended;
          clearInterval(draw);
        },
      },
    ],
    // Its answer to Ctrl-C is to end the process at once, before anything is cleaned up.
    {
      registerSignalListeners: false,
      renderer: 'default',
      rendererOptions: { clearOutput: true, formatOutput: 'truncate' },
    },
  );
  await list.run();
}

function roomOf({ rows }: NodeJS.WriteStream): number {
  return Math.max(1, rows - MARGIN);
}
