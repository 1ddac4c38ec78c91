import { expect } from 'chai';
import { defaultConfig } from '../../../src/core/config/default-config.js';
import { CONFIG_ENTRIES, CONFIG_KEYS } from '../../../src/core/config/schema.js';
import { envNames, flagNames } from '../../../src/core/config/config-key.js';

describe('defaultConfig', () => {
  it('has the defaults of the Go controller', () => {
    const config = defaultConfig();

    expect(config).to.include({
      ...{
        namespace: 'default',
        agentTokenSecret: 'buildkite-agent-token',
        jobPrefix: 'buildkite-',
        jobTtlMs: 600_000,
      },
      ...{ maxInFlight: 25, jobCreationConcurrency: 25, pollIntervalMs: 1000, podPendingTimeoutMs: 900_000 },
      ...{ jobActiveDeadlineSeconds: 21_600, image: 'ghcr.io/buildkite/agent:3.136.2', enableCompletionWatcher: true },
    });
  });

  it('lays overrides over the defaults and freezes the outcome', () => {
    const config = defaultConfig({ maxInFlight: 1, agentConfig: { experiment: ['a'] } });

    expect(config.maxInFlight).to.equal(1);
    expect(Object.isFrozen(config)).to.equal(true);
    expect(Object.isFrozen(config.agentConfig?.experiment)).to.equal(true);
  });
});

describe('CONFIG_ENTRIES', () => {
  it('lists every key of the table once', () => {
    const listed = CONFIG_ENTRIES.map((entry) => entry.property);

    expect([...listed].sort()).to.deep.equal(Object.keys(CONFIG_KEYS).sort());
  });

  it('gives no name, flag or variable to two keys', () => {
    const names = CONFIG_ENTRIES.map((entry) => entry.key.key);
    const variables = CONFIG_ENTRIES.flatMap((entry) => envNames(entry.key));
    const flags = CONFIG_ENTRIES.flatMap((entry) => flagNames(entry.key));

    for (const list of [names, variables, flags]) expect(new Set(list).size).to.equal(list.length);
  });

  it('describes every key in one sentence', () => {
    for (const { key } of CONFIG_ENTRIES) expect(key.description, key.key).to.match(/^[A-Zs].{10,140}\.$/);
  });
});
