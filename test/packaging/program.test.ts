import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Says on the last line of standard error which modules were loaded when the process ends. */
const REPORT_LOADED = `data:text/javascript,import { createRequire } from 'node:module';
const require = createRequire(${JSON.stringify(`${process.cwd()}/`)});
process.on('exit', () => process.stderr.write('\\n' + JSON.stringify({
  files: Object.keys(require.cache), builtin: process.moduleLoadList })));`;

interface Loaded {
  readonly files: readonly string[];
  readonly builtin: readonly string[];
}

/** Runs the packaged program. */
function run(args: readonly string[], nodeOptions: readonly string[] = []) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...nodeOptions, 'bin/run.js', ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: '/nonexistent' },
  });
  return { status, stdout, stderr };
}

function loadedBy(args: readonly string[]): Loaded {
  const { stderr } = run(args, ['--import', encodeURI(REPORT_LOADED)]);
  return JSON.parse(stderr.slice(stderr.lastIndexOf('\n') + 1)) as Loaded;
}

describe('the packaged program', () => {
  const pipeline = 'fixtures/render/plain/pipeline.yaml';

  it('tells its version in two ways', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

    expect(run(['--version']).stdout).to.match(new RegExp(`^agent-stack-k8s/${version.replaceAll('.', '\\.')} `));
    expect(run(['version']).stdout).to.equal(`v${version}\n`);
  });

  it('renders the same as the compiled sources do', () => {
    const { status, stdout } = run(['render', pipeline, '--config', 'fixtures/render/plain/config.yaml']);

    expect(status).to.equal(0);
    const withoutVersion = stdout.replaceAll(/agent-stack-version=v[\d.]+/g, 'agent-stack-version=v0.0.0');
    expect(withoutVersion).to.equal(readFileSync('fixtures/render/plain/expected.yaml', 'utf8'));
  });

  it('renders the same with and without compiled code at hand', () => {
    const args = ['render', pipeline, '--output', 'json'];

    // A flag of V8 that changes code makes it refuse the code that was kept.
    expect(run(args, ['--max-lazy']).stdout).to.equal(run(args).stdout);
  });

  for (const args of [['--help'], ['help'], ['-h']]) {
    it(`shows commands and examples for ${args.join(' ')}`, () => {
      const { status, stdout, stderr } = run(args);

      expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
      expect(stdout).to.match(/COMMANDS\n +controller .*EXAMPLES\n.*agent-stack-k8s render/s);
    });
  }

  for (const [name, advice] of [
    ['rendr', 'did you mean "render"?'],
    ['frobnicate', 'see --help for all commands'],
  ] as const) {
    it(`refuses the command ${name}`, () => {
      expect(run([name])).to.deep.equal({
        status: 2,
        stdout: '',
        stderr: `error: unknown command "${name}"; ${advice}\n`,
      });
    });
  }

  it('takes flags without a command for those of the controller', () => {
    const { status, stdout, stderr } = run(['--queue', 'kubernetes', '--max-in-flight', 'many']);

    expect({ status, stdout }).to.deep.equal({ status: 2, stdout: '' });
    expect(stderr).to.match(/--max-in-flight: .*"many"/);
  });

  it('finds a Kubernetes client in the package', () => {
    const { stderr } = run(['controller', '--queue', 'kubernetes']);

    expect(stderr).to.match(/no Kubernetes cluster found/);
  });

  it('loads neither Kubernetes client nor TLS for short commands, but does for the controller', () => {
    const client = join('libraries', 'client-node.cjs');
    const heavy = ({ files, builtin }: Loaded) => ({
      client: files.some((file) => file.endsWith(client)),
      tls: builtin.includes('NativeModule tls'),
    });

    for (const args of [
      ['render', pipeline],
      ['lint', pipeline],
      ['--version'],
      ['version'],
      ['--help'],
      ['render', '--help'],
      ['lint', '--help'],
    ]) {
      expect(heavy(loadedBy(args)), args.join(' ')).to.deep.equal({ client: false, tls: false });
    }
    expect(heavy(loadedBy(['controller', '--queue', 'kubernetes']))).to.deep.equal({ client: true, tls: true });
  });

  for (const args of [
    ['controller', '--queue', 'kubernetes'],
    ['render', pipeline],
    ['lint', pipeline],
  ]) {
    it(`uses nothing for ${args[0]} that Node.js wants to be rid of`, () => {
      // The flag says on every Node.js what the newest ones say unasked.
      expect(run(args, ['--pending-deprecation']).stderr).not.to.include('DeprecationWarning');
    });
  }

  it('carries the agent stand-in of the sandbox as a program of its own', () => {
    const { stdout } = spawnSync(process.execPath, ['dist/bundle/agent-cli.js', '--version'], { encoding: 'utf8' });

    expect(stdout).to.include('buildkite-agent version');
  });

  it('has code caches for the Node.js it was built with', () => {
    const { PROGRAMS, codeCacheOf } = createRequire(import.meta.url)('../../../bin/load-program.js') as {
      PROGRAMS: readonly string[];
      codeCacheOf: (name: string) => string;
    };

    expect(PROGRAMS.map(codeCacheOf).filter((cache) => !existsSync(cache))).to.deep.equal([]);
  });
});
