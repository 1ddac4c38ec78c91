import { expect } from 'chai';
import type { JobListing } from '../../../src/ports/buildkite.js';
import { createStacksSource } from '../../../src/adapters/buildkite/stacks-api.js';
import { defaultConfig } from '../../../src/core/config/default-config.js';
import { buildJob } from '../../../src/core/manifest/build-job.js';
import { recordAt, textAt, type JsonRecord } from '../../../src/sandbox/kubernetes/objects.js';
import { memoryLogger, quickClock, signal } from '../../adapters/buildkite/support.js';
import { startWorld, type World } from './support.js';

/** A pipeline whose job uses most of what the builder can put into a pod. */
const PIPELINE = `
steps:
  - label: everything
    key: everything
    command: |
      total=$$((1 + 2))
      echo "total $$total, pid $$$$, $$(echo sub) $$MAP_COLOR"
      cat /workspace/from-init
      until [ -f /workspace/from-sidecar ]; do sleep 0.01; done; cat /workspace/from-sidecar
      echo artifact > result.txt
      buildkite-agent meta-data set seen yes
    artifact_paths: "*.txt"
    plugins:
      - kubernetes:
          commandParams: { envFrom: [{ prefix: MAP_, configMapRef: { name: settings } }] }
          podSpec:
            initContainers:
              - { name: prepare, image: busybox, command: [sh, -c, "echo init > /workspace/from-init"], volumeMounts: [{ name: workspace, mountPath: /workspace }] }
            containers:
              - { image: "alpine:3" }
          sidecars:
            - { image: "nginx:1", command: [sh, -c, "echo sidecar > /workspace/from-sidecar; exec sleep 600"] }
`;

describe('a job the builder built', () => {
  let world: World;

  before(async () => {
    world = await startWorld();
    const metadata = { name: 'settings', namespace: 'default' };
    world.store.create('configmaps', { metadata, data: { COLOR: 'green' } });
  });
  after(() => world.close());

  async function listed(): Promise<{ readonly listing: JobListing; readonly podSpec: JsonRecord }> {
    const config = defaultConfig({
      agentTokenSecret: 'bk',
      agentConfig: { endpoint: world.buildkite.agentEndpoint },
    });
    const source = createStacksSource({
      endpoint: world.buildkite.agentEndpoint,
      token: world.buildkite.agentToken,
      tokenOrigin: 'secret "bk"',
      config,
      version: 'v1',
      clock: quickClock(),
      logger: memoryLogger(),
      random: () => 0,
    });
    await source.connect(signal);
    const listing = await source.listScheduledJobs(signal);
    const [scheduled] = listing.jobs;
    if (scheduled === undefined) throw new Error('nothing is scheduled');
    await source.reserve([scheduled.id], signal);
    const job = await source.getJob(scheduled.id, signal);
    if (job === undefined) throw new Error('the job is gone');
    const built = buildJob({ job: { ...scheduled, ...job }, config, version: 'v1' });
    if (!built.ok) throw new Error(built.error.text);
    const manifest: JsonRecord = JSON.parse(JSON.stringify(built.value.manifest));
    return { listing, podSpec: recordAt(manifest, 'spec', 'template', 'spec') };
  }

  it('runs as a newcomer expects', async () => {
    const build = world.buildkite.createBuild({ pipeline: PIPELINE });
    const { podSpec } = await listed();

    const pod = world.createPod(podSpec);
    const ended = await world.reached(pod.metadata.name, 'Succeeded', 'Failed');

    const job = build.steps[0]!.jobs[0]!;
    const log = world.buildkite.log(job.id);
    expect(log).to.match(/\ntotal 3, pid \d+, sub green\ninit\nsidecar\n/);
    expect(textAt(ended, 'status', 'phase')).to.equal('Succeeded');
    expect(job.exitStatus).to.equal(0);
    expect(job.artifacts.map(({ path, content }) => [path, content?.toString()])).to.deep.equal([
      ['result.txt', 'artifact\n'],
    ]);
    expect(build.metaData.get('seen')).to.equal('yes');
    expect(world.errors).to.deep.equal([]);
  });
});
