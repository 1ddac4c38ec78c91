import { expect } from 'chai';
import { resolveConfig } from '../../../src/core/config/resolve-config.js';
import { readConfigFile } from '../../../src/core/config/read-config-file.js';
import { explainJob } from '../../../src/core/manifest/explain.js';
import { parsePipeline } from '../../../src/core/pipeline/parse-pipeline.js';
import { commandSteps } from '../../../src/core/pipeline/pipeline.js';
import { expandStep } from '../../../src/core/pipeline/matrix.js';
import { OFFLINE_BUILD, stepToJob } from '../../../src/core/pipeline/step-to-job.js';

/** What sets the fields, as `name`, `name (default)` or `generated for name`, by their short paths. */
function explain(configText: string, stepText: string): (path: string) => string | undefined {
  const file = readConfigFile(configText, 'config.yaml');
  if (!file.ok) throw new Error(JSON.stringify(file.error));
  const resolved = resolveConfig({ file: file.value });
  if (!resolved.ok) throw new Error(JSON.stringify(resolved.error));
  const { config, origins } = resolved.value;
  const step = commandSteps(
    parsePipeline(`steps:\n- ${stepText.replaceAll('\n', '\n  ')}`, { file: 'p.yml' }).pipeline?.steps ?? [],
  )[0];
  const variant = step && expandStep(step).variants[0];
  if (variant === undefined) throw new Error('no step');
  const job = stepToJob(variant, { build: OFFLINE_BUILD });
  const fields = explainJob(
    { job, config, version: 'v1' },
    { isSet: (property) => origins[property].layer !== 'default' },
  );
  if ('error' in fields) throw new Error(fields.error.text);
  return (path) => {
    const field = fields.find(
      (candidate) => candidate.path === path || candidate.path === `spec.template.spec.${path}`,
    );
    const names = field?.inputs.map(({ name, isDefault }) => `${name}${isDefault ? ' (default)' : ''}`).join(' + ');
    return field?.layer === 'generated' ? `generated${names === '' ? '' : ` for ${String(names)}`}` : names;
  };
}

describe('explainJob', () => {
  it('names the entry of pod-spec-patch that adds a variable', () => {
    const by = explain('pod-spec-patch: {containers: [{name: agent, env: [{name: FOO, value: bar}]}]}', 'command: a');

    expect(by('containers[agent].env[FOO].value')).to.equal('pod-spec-patch.containers[0].env[0].value');
    expect(by('containers[agent].env[BUILDKITE_KUBERNETES_EXEC].value')).to.equal('generated');
  });

  it('names the winner where layers agree on the value', () => {
    const by = explain(
      'pod-spec-patch: {nodeSelector: {pool: ci}}',
      'command: a\nplugins:\n- kubernetes:\n    podSpec: {nodeSelector: {pool: ci}, containers: [{image: x}]}\n    podSpecPatch: {nodeSelector: {pool: ci}}',
    );

    expect(by('nodeSelector.pool')).to.equal('podSpecPatch.nodeSelector.pool');
  });

  it('names the resource class of a step, although no other one exists', () => {
    const by = explain(
      'resource-classes: {big: {resource: {limits: {cpu: 2}}}}',
      'command: a\nagents: {resource_class: big}',
    );

    expect(by('metadata.labels[tag.buildkite.com/resource_class]')).to.equal('agents.resource_class');
    expect(by('containers[agent].env[BUILDKITE_AGENT_TAGS].value')).to.contain('agents.resource_class');
    expect(by('containers[container-0].resources.limits.cpu')).to.equal('resource-classes.big.resource.limits.cpu');
  });

  it('says that the image attribute wins over the plugin, and the plugin over the default', () => {
    const plugin = 'plugins: [{kubernetes: {podSpec: {containers: [{image: alpine}]}}}]';

    expect(explain('{}', `command: a\nimage: golang\n${plugin}`)('containers[container-0].image')).to.equal('image');
    expect(explain('{}', `command: a\n${plugin}`)('containers[container-0].image')).to.equal(
      'podSpec.containers[0].image',
    );
    expect(explain('{}', 'command: a')('containers[container-0].image')).to.equal('image (default)');
    expect(explain('image: own/agent:1', 'command: a')('containers[agent].image')).to.equal('image');
  });

  it('derives a pull policy from image and policy settings', () => {
    const by = explain(
      'default-image-pull-policy: IfNotPresent',
      'command: a\nplugins: [{kubernetes: {podSpec: {containers: [{image: alpine}]}}}]',
    );

    expect(by('initContainers[copy-agent].imagePullPolicy')).to.equal('default-image-pull-policy');
    expect(explain('{}', 'command: a')('initContainers[copy-agent].imagePullPolicy'))
      .to.include('image (default)')
      .and.to.include('default-image-pull-policy (default)');
  });

  it('names the volume of agent-config and what exists on its behalf', () => {
    const by = explain('agent-config: {hooksVolume: {name: hooks, hostPath: {path: /srv/hooks}}}', 'command: a');

    expect(by('volumes[hooks].name')).to.equal('agent-config.hooksVolume.name');
    expect(by('volumes[hooks].hostPath.path')).to.equal('agent-config.hooksVolume.hostPath.path');
    expect(by('containers[agent].volumeMounts[/workspace/hooks].mountPath')).to.equal(
      'generated for agent-config.hooksVolume',
    );
  });

  it('names the label of default-metadata, or of the plugin that overwrites it', () => {
    const config = 'default-metadata: {labels: {team: a}}';

    expect(explain(config, 'command: a')('metadata.labels.team')).to.equal('default-metadata.labels.team');
    expect(
      explain(config, 'command: a\nplugins: [{kubernetes: {metadata: {labels: {team: b}}}}]')('metadata.labels.team'),
    ).to.equal('metadata.labels.team');
  });

  it('sees that the security context shapes the checkout script', () => {
    const by = explain(
      '{}',
      'command: a\nplugins: [{kubernetes: {podSpec: {securityContext: {runAsUser: 1000}, containers: [{image: x}]}}}]',
    );

    expect(by('containers[checkout].args[0]')).to.equal('podSpec.securityContext.runAsUser');
  });

  it('knows the step behind command, rules and annotations', () => {
    const by = explain('{}', 'command: make\nkey: k\nagents: {os: linux}\npriority: 4');

    expect(by('containers[container-0].env[BUILDKITE_COMMAND].value')).to.equal('command');
    expect(by('metadata.labels[tag.buildkite.com/os]')).to.equal('agents.os');
    expect(by('metadata.annotations[buildkite.com/step-key]')).to.equal('env.BUILDKITE_STEP_KEY');
    expect(by('metadata.annotations[buildkite.com/job-priority]')).to.equal('priority');
    expect(by('metadata.name')).to.equal('job-prefix (default) + job UUID');
    expect(by('spec.ttlSecondsAfterFinished')).to.equal('job-ttl (default)');
    expect(by('apiVersion')).to.equal('generated');
  });

  it('explains every field', () => {
    const by = explain('{}', 'command: a');

    expect(by('restartPolicy')).to.equal('generated');
    expect(by('no.such.field')).to.equal(undefined);
  });
});
