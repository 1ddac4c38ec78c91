import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const script = `
  import { stopSignal } from ${JSON.stringify(new URL('../../src/cli/stop-signal.js', import.meta.url).href)};
  const signal = stopSignal();
  const alive = setInterval(() => {}, 1000);
  signal.addEventListener('abort', () => {
    console.log(signal.reason.message);
    if (process.argv.includes('clean')) clearInterval(alive);
  });
  console.log('ready');`;

async function start(...words: readonly string[]): Promise<{ child: ReturnType<typeof spawn>; lines: () => string[] }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(child.stdout, 'data');
  return { child, lines: () => output.trim().split('\n') };
}

describe('stopSignal', () => {
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    it(`aborts on ${name} and lets the process end by itself`, async () => {
      const { child, lines } = await start('clean');

      child.kill(name);
      const [status] = await once(child, 'close');

      expect(status).to.equal(0);
      expect(lines()).to.deep.equal(['ready', `stopped by ${name}`]);
    });
  }

  it('lets a second request end the process at once', async () => {
    const { child } = await start();

    child.kill('SIGTERM');
    await once(child.stdout!, 'data');
    child.kill('SIGTERM');
    const [status, killedBy] = await once(child, 'close');

    expect({ status, killedBy }).to.deep.equal({ status: null, killedBy: 'SIGTERM' });
  });
});
