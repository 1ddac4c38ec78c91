import { Chalk } from 'chalk';
import { expect } from 'chai';
import { JobBoard } from '../../src/cli/sandbox-board.js';
import type { JobStation } from '../../src/core/sandbox-event.js';

const PLAIN = new Chalk({ level: 0 });
const JOB = { type: 'job', at: 0 } as const;

function boardOf(stations: readonly JobStation[]): JobBoard {
  const board = new JobBoard();
  for (const [index, station] of stations.entries())
    board.show({ ...JOB, jobId: `j${index}`, label: `job ${index}`, station });
  return board;
}

describe('JobBoard', () => {
  it('has a line a job in the order of the pipeline, whichever moved last', () => {
    const board = boardOf(['running', 'scheduled']);

    board.show({ ...JOB, jobId: 'j0', label: 'job 0', station: 'passed' });

    expect(board.lines(10, PLAIN)).to.deep.equal(['✔ passed    job 0', '◦ scheduled job 1']);
    expect(board.summary()).to.equal('1 of 2 jobs ended: 1 passed, 1 scheduled');
  });

  it('gives a retry, and the retry of a retry, the line of the job it repeats', () => {
    const board = boardOf(['failed', 'passed']);

    board.show({ ...JOB, jobId: 'r1', label: 'job 0', station: 'failed', retryOf: 'j0', exitStatus: 75 });
    board.show({ ...JOB, jobId: 'r2', label: 'job 0', station: 'waiting', retryOf: 'r1' });
    board.show({ ...JOB, jobId: 'r2', label: 'job 0', station: 'running', retryOf: 'r1' });

    expect(board.lines(10, PLAIN)).to.deep.equal(['▸ running   job 0 (try 3)', '✔ passed    job 1']);
    expect(board.size).to.equal(2);
  });

  it('tells how a job failed', () => {
    const board = new JobBoard();

    board.show({ ...JOB, jobId: 'a', label: 'soft', station: 'failed', exitStatus: 4, softFailed: true });

    expect(board.lines(10, PLAIN)).to.deep.equal(['✖ failed    soft (exit status 4, soft fail)']);
  });

  it('fits any room: what is worth watching, and a count of the rest', () => {
    const special: Readonly<Record<number, JobStation>> = { 700: 'failed', 900: 'running' };
    const oneOf = (n: number): JobStation => special[n] ?? (n < 500 ? 'passed' : 'scheduled');
    const board = boardOf(Array.from({ length: 1000 }, (_, n) => oneOf(n)));

    expect(board.lines(4, PLAIN)).to.deep.equal([
      '✔ passed    job 0',
      '✖ failed    job 700 (exit status -1)',
      '▸ running   job 900',
      '… and 997 more: 499 passed, 498 scheduled',
    ]);
  });
});
