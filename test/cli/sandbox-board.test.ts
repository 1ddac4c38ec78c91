import { Chalk } from 'chalk';
import { expect } from 'chai';
import { JobBoard } from '../../src/cli/sandbox-board.js';

const PLAIN = new Chalk({ level: 0 });

function boardOf(stations: readonly string[]): JobBoard {
  const board = new JobBoard();
  for (const [index, station] of stations.entries()) board.show({ jobId: `j${index}`, label: `job ${index}`, station });
  return board;
}

describe('JobBoard', () => {
  it('has a line a job in the order of the pipeline, whichever moved last', () => {
    const board = boardOf(['running', 'scheduled']);

    board.show({ jobId: 'j0', label: 'job 0', station: 'passed' });

    expect(board.lines(10, PLAIN)).to.deep.equal(['✔ passed    job 0', '◦ scheduled job 1']);
    expect(board.summary()).to.equal('1 of 2 jobs ended: 1 passed, 1 scheduled');
  });

  it('gives a retry, and the retry of a retry, the line of the job it repeats', () => {
    const board = boardOf(['failed', 'passed']);

    board.show({ jobId: 'r1', label: 'job 0', station: 'failed', retryOf: 'j0', exitStatus: 75 });
    board.show({ jobId: 'r2', label: 'job 0', station: 'waiting', retryOf: 'r1' });
    board.show({ jobId: 'r2', label: 'job 0', station: 'running', retryOf: 'r1' });

    expect(board.lines(10, PLAIN)).to.deep.equal(['▸ running   job 0 (try 3)', '✔ passed    job 1']);
    expect(board.size).to.equal(2);
  });

  it('tells how a job failed', () => {
    const board = new JobBoard();

    board.show({ jobId: 'a', label: 'soft', station: 'failed', exitStatus: 4, softFailed: true });

    expect(board.lines(10, PLAIN)).to.deep.equal(['✖ failed    soft (exit status 4, soft fail)']);
  });

  it('fits any room: what is worth watching, and a count of the rest', () => {
    const oneOf = (n: number): string => ({ 700: 'failed', 900: 'running' })[n] ?? (n < 500 ? 'passed' : 'scheduled');
    const board = boardOf(Array.from({ length: 1000 }, (_, n) => oneOf(n)));

    expect(board.lines(4, PLAIN)).to.deep.equal([
      '✔ passed    job 0',
      '✖ failed    job 700 (exit status -1)',
      '▸ running   job 900',
      '… and 997 more: 499 passed, 498 scheduled',
    ]);
  });
});
