import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { BaseCommand } from '../../src/cli/base-command.js';
import { paletteFor } from '../../src/cli/colors.js';
import { ExternalError, UsageError } from '../../src/core/errors.js';
import { runCommand } from './run-command.js';

let failure: Error | undefined;

class Failing extends BaseCommand {
  async run(): Promise<void> {
    await this.parse(Failing);
    if (failure !== undefined) throw failure;
  }
}

describe('BaseCommand', () => {
  it('prints an expected error without a stack and exits with its status', async () => {
    failure = new UsageError('flag "--x" is wrong: use another');

    const { stderr, status } = await runCommand(Failing, []);

    expect({ stderr, status }).to.deep.equal({ stderr: 'error: flag "--x" is wrong: use another\n', status: 2 });
  });

  it('exits with 3 when the other side says no', async () => {
    failure = new ExternalError('"https://api" answered 500', { retryable: true });

    const { stderr, status } = await runCommand(Failing, []);

    expect({ stderr, status }).to.deep.equal({ stderr: 'error: "https://api" answered 500\n', status: 3 });
  });

  it('prints the stack of anything else, calls it a bug and exits with 3', async () => {
    failure = new TypeError('x is not a function');

    const { stderr, status } = await runCommand(Failing, []);

    expect(status).to.equal(3);
    expect(stderr)
      .to.match(/x is not a function\n +at /)
      .and.include('this is a bug');
  });

  it('takes anything that is thrown', async () => {
    failure = 'a text' as unknown as Error;

    const { stderr, status } = await runCommand(Failing, []);

    expect(status).to.equal(3);
    expect(stderr).to.include('a text');
  });

  it('does not repeat the value of an unknown flag, which may be a secret', async () => {
    const { stderr, status } = await runCommand(Failing, ['--tokn=hunter2']);

    expect(status).to.equal(2);
    expect(stderr).to.include('"--tokn"').and.not.include('hunter2');
  });

  it('exits with 0 when nothing is wrong', async () => {
    failure = undefined;

    const { stderr, status } = await runCommand(Failing, []);

    expect({ stderr, status }).to.deep.equal({ stderr: '', status: 0 });
  });
});

describe('standard output of a command', () => {
  const script = `
    import { BaseCommand } from ${JSON.stringify(new URL('../../src/cli/base-command.js', import.meta.url).href)};
    class Printing extends BaseCommand {
      async run() { await this.parse(Printing); this.log('x'.repeat(2_000_000)); process.stderr.write('y'.repeat(2_000_000)); }
    }
    await Printing.run([], { root: process.cwd() });`;
  const start = (): ReturnType<typeof spawn> =>
    spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] });

  it('reaches a pipe whole', async () => {
    const child = start();
    let length = 0;
    child.stdout?.on('data', (chunk: Buffer) => (length += chunk.length));
    child.stderr?.resume();

    const [status] = await once(child, 'close');

    expect({ status, length }).to.deep.equal({ status: 0, length: 2_000_001 });
  });

  it('ends quietly when the reader has enough, of standard error, too', async () => {
    const child = start();
    for (const stream of [child.stdout, child.stderr]) stream?.once('data', () => stream.destroy());

    const [status] = await once(child, 'close');

    expect(status).to.equal(0);
  });
});

describe('paletteFor', () => {
  const table = [
    { says: 'a terminal', isTerminal: true, environment: {}, noColor: false, colored: true },
    { says: 'a pipe', isTerminal: false, environment: {}, noColor: false, colored: false },
    { says: 'NO_COLOR', isTerminal: true, environment: { NO_COLOR: '1' }, noColor: false, colored: false },
    { says: 'an empty NO_COLOR', isTerminal: true, environment: { NO_COLOR: '' }, noColor: false, colored: true },
    { says: '--no-color', isTerminal: true, environment: { FORCE_COLOR: '1' }, noColor: true, colored: false },
    { says: 'FORCE_COLOR', isTerminal: false, environment: { FORCE_COLOR: '1' }, noColor: false, colored: true },
    { says: 'a dumb terminal', isTerminal: true, environment: { TERM: 'dumb' }, noColor: false, colored: false },
  ];
  for (const { says, colored, ...situation } of table) {
    it(`${colored ? 'colours' : 'does not colour'} with ${says}`, () => {
      const text = paletteFor(situation).red('x');

      expect(text !== 'x').to.equal(colored);
    });
  }
});
