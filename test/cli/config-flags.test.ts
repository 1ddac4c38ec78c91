import { expect } from 'chai';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../src/app/load-config.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { configFileFlag, configFlags, pickConfigFlags, takeSwitches } from '../../src/cli/config-flags.js';
import { CONFIG_ENTRIES } from '../../src/core/config/schema.js';
import { runCommand } from './run-command.js';

let environment: Record<string, string> = {};

/** Resolves the configuration and prints it: what every command with configuration does first. */
class ShowConfig extends BaseCommand {
  static override flags = { ...configFileFlag, ...configFlags };

  async run(): Promise<void> {
    const { argv, values } = takeSwitches(this.argv);
    const { flags } = await this.parse(ShowConfig, [...argv]);
    const loaded = await loadConfig({
      path: flags.config,
      environment,
      flags: { ...pickConfigFlags(flags), ...values },
    });
    if (!loaded.ok) return this.refuseConfig(loaded.error);
    this.printWarnings(loaded.value.warnings);
    this.log(JSON.stringify(loaded.value.config));
  }
}

describe('configuration flags', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'config-flags-'));
    environment = {};
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function configFile(text: string): Promise<string> {
    const path = join(folder, 'config.yaml');
    await writeFile(path, text);
    return path;
  }

  const read: readonly (readonly [argv: readonly string[], expected: Readonly<Record<string, unknown>>])[] = [
    [['--max-in-flight=0'], { maxInFlight: 0 }],
    [['--max-in-flight', '3'], { maxInFlight: 3 }],
    [['--debug'], { debug: true }],
    [['--debug=true'], { debug: true }],
    [['--debug=false'], { debug: false }],
    [['--enable-completion-watcher=false'], { enableCompletionWatcher: false }],
    [['--no-color'], { noColor: true }],
    [['--queue='], { queue: '' }],
    [['--tags=a=1,b=2', '--tags', 'c=3'], { tags: ['a=1', 'b=2', 'c=3'] }],
    [['--tags='], { tags: [] }],
    [['--job-ttl=0'], { jobTtlMs: 0 }],
    [['--graph-ql-endpoint=https://a.example'], { graphqlEndpoint: 'https://a.example' }],
  ];
  for (const [argv, expected] of read) {
    it(`reads ${argv.join(' ')}`, async () => {
      const path = await configFile('debug: true\nmax-in-flight: 9\nqueue: q\ntags: [x=y]\njob-ttl: 1m');

      const { stdout, status } = await runCommand(ShowConfig, ['-f', path, ...argv]);

      expect(status).to.equal(0);
      expect(JSON.parse(stdout)).to.deep.include(expected);
    });
  }

  it('finds the file through CONFIG and lets flags beat variables beat the file', async () => {
    environment = { CONFIG: await configFile('queue: file\nid: file\norg: file'), QUEUE: 'env', ORG: 'env' };

    const { stdout } = await runCommand(ShowConfig, ['--org=flag']);

    expect(JSON.parse(stdout)).to.include({ queue: 'env', id: 'file', org: 'flag' });
  });

  it('reports bad values of three layers together, without secrets, and exits 2', async () => {
    const path = await configFile('log-level: loud\nbuildkite-token: [hunter2]');
    environment = { PROMETHEUS_PORT: 'many' };

    const { stdout, stderr, status } = await runCommand(ShowConfig, [
      '--config',
      path,
      '--job-ttl=1d',
      '--debug=maybe',
    ]);

    expect(status).to.equal(2);
    expect(stdout).to.equal('');
    expect(stderr).to.not.include('hunter2');
    const lines = stderr.trim().split('\n');
    expect(lines[0]).to.equal('error: the configuration has 5 problems:');
    for (const place of [`${path}:1:12: `, `${path}:2:`, 'variable PROMETHEUS_PORT: ', '--job-ttl: ', '--debug: ']) {
      expect(lines.filter((line) => line.startsWith(`  ${place}`))).to.have.length(1);
    }
  });

  it('reports a missing file together with bad flags', async () => {
    const { stderr, status } = await runCommand(ShowConfig, ['-f', join(folder, 'none.yaml'), '--max-in-flight=x']);

    expect(status).to.equal(2);
    expect(stderr)
      .to.match(/--config: cannot read .*none\.yaml": there is no such file/)
      .and.match(/--max-in-flight: /);
  });

  it('suggests the flag that was meant and exits 2', async () => {
    const { stderr, status } = await runCommand(ShowConfig, ['--max-in-fligt=3']);

    expect(status).to.equal(2);
    expect(stderr).to.include('unknown flag "--max-in-fligt"; did you mean "--max-in-flight"?');
  });

  it('refuses words that are no flags and exits 2', async () => {
    const { stderr, status } = await runCommand(ShowConfig, ['what']);

    expect(status).to.equal(2);
    expect(stderr).to.include('what');
  });

  it('prints warnings on standard error and goes on', async () => {
    environment = { MAX_IN_FLIGHT: '' };

    const { stderr, status } = await runCommand(ShowConfig, []);

    expect(stderr).to.match(/^warning: variable MAX_IN_FLIGHT: /);
    expect(status).to.equal(0);
  });
});

describe('configFlags', () => {
  it('has a flag for every key but those of the file alone', () => {
    const keys = CONFIG_ENTRIES.filter((entry) => entry.key.kind !== 'section').map((entry) => entry.key.key);

    expect(Object.keys(configFlags).sort()).to.deep.equal(keys.sort());
  });

  it('shows defaults and odd variables in help and hides what has no effect', async () => {
    const { 'job-ttl': ttl, id, 'enable-queue-pause': pause } = configFlags;

    const shown = ttl?.type === 'option' && typeof ttl.defaultHelp === 'function' ? await ttl.defaultHelp() : undefined;
    expect(shown).to.equal('10m');
    expect(id?.description).to.include('[env: BUILDKITE_K8S_STACK_CONTROLLER_ID]');
    expect(pause?.hidden).to.equal(true);
  });
});

describe('takeSwitches', () => {
  it('leaves everything behind -- alone', () => {
    const taken = takeSwitches(['--debug', 'x', '--', '--debug=false']);

    expect(taken).to.deep.equal({ argv: ['x', '--', '--debug=false'], values: { debug: 'true' } });
  });
});
