/** The kinds of step a pipeline may hold. */
export type StepType = 'command' | 'wait' | 'block' | 'input' | 'trigger' | 'group';

/** What may stand behind an attribute; `schema/pipeline.json` has a definition for each. */
export type AttributeShape =
  | 'text'
  | 'textOrNull'
  | 'flag'
  | 'integer'
  | 'texts'
  | 'object'
  | 'agents'
  | 'blockedState'
  | 'cache'
  | 'checkout'
  | 'commands'
  | 'concurrencyMethod'
  | 'dependsOn'
  | 'env'
  | 'fields'
  | 'ifChanged'
  | 'key'
  | 'matrix'
  | 'notify'
  | 'plugins'
  | 'retry'
  | 'secrets'
  | 'skip'
  | 'softFail'
  | 'steps'
  | 'stepType'
  | 'triggeredBuild';

/** An attribute of a step, or of the pipeline itself. */
export interface StepAttribute {
  /** Steps that it means something on. */
  readonly on: readonly StepType[];
  readonly shape: AttributeShape;
  /** One sentence for people who hover over it. */
  readonly description: string;
  /** The attribute it is another spelling of; only one of the two may stand on a step. */
  readonly aliasOf?: string;
  /** Why not to use it, and what to use. */
  readonly deprecated?: string;
}

const ALL: readonly StepType[] = ['command', 'wait', 'block', 'input', 'trigger', 'group'];
const COMMAND: readonly StepType[] = ['command'];
const ASKING: readonly StepType[] = ['block', 'input'];

/**
 * All attributes that Buildkite knows on some step. What is not here is stored with the step and ignored.
 * Source: the published pipeline schema and the documentation of each step type.
 */
export const STEP_ATTRIBUTES = {
  agent_query_rules: { on: COMMAND, shape: 'agents', description: 'The same as agents.', aliasOf: 'agents' },
  agents: { on: COMMAND, shape: 'agents', description: 'Which agents may run the jobs, by their tags.' },
  allow_dependency_failure: {
    on: ALL,
    shape: 'flag',
    description: 'Run this step even if a step that it depends on has failed.',
  },
  allowed_teams: { on: ASKING, shape: 'texts', description: 'Slugs or ids of the teams that may unblock this step.' },
  artifact_paths: {
    on: COMMAND,
    shape: 'texts',
    description: 'Globs of files to upload when the command has ended, successfully or not.',
  },
  artifacts: { on: COMMAND, shape: 'texts', description: 'The same as artifact_paths.', aliasOf: 'artifact_paths' },
  async: { on: ['trigger'], shape: 'flag', description: 'Go on without waiting for the triggered build.' },
  block: { on: ['block'], shape: 'textOrNull', description: 'Stops the build until somebody unblocks it; the label.' },
  blocked_state: {
    on: ASKING,
    shape: 'blockedState',
    description: 'State that the build shows while it is blocked here.',
  },
  branches: {
    on: ['command', 'wait', 'block', 'input', 'trigger'],
    shape: 'texts',
    description: 'Patterns of the branches whose builds have this step.',
  },
  build: { on: ['trigger'], shape: 'triggeredBuild', description: 'What the triggered build is made of.' },
  cache: { on: COMMAND, shape: 'cache', description: 'Paths kept between jobs; on hosted agents only.' },
  cancel_on_build_failing: {
    on: COMMAND,
    shape: 'flag',
    description: 'Cancel the job as soon as the build is going to fail.',
  },
  checkout: { on: COMMAND, shape: 'checkout', description: 'How the agent fetches the source.' },
  command: { on: COMMAND, shape: 'commands', description: 'What to run: one command, or several one after the other.' },
  commands: { on: COMMAND, shape: 'commands', description: 'The same as command.', aliasOf: 'command' },
  concurrency: {
    on: COMMAND,
    shape: 'integer',
    description: 'How many jobs of the concurrency_group may run at the same time.',
  },
  concurrency_group: { on: COMMAND, shape: 'text', description: 'Name that jobs which share a limit have in common.' },
  concurrency_method: {
    on: COMMAND,
    shape: 'concurrencyMethod',
    description: 'Whether jobs of the group start in the order of their builds (ordered) or as they come (eager).',
  },
  continue_on_failure: { on: ['wait'], shape: 'flag', description: 'Go on even if earlier steps have failed.' },
  depends_on: { on: ALL, shape: 'dependsOn', description: 'Keys of the steps that must end first.' },
  env: { on: COMMAND, shape: 'env', description: 'Environment variables of the jobs.' },
  fields: { on: ASKING, shape: 'fields', description: 'What to ask whoever unblocks the step.' },
  group: { on: ['group'], shape: 'textOrNull', description: 'Name of the group.' },
  id: { on: ALL, shape: 'key', description: 'The same as key.', aliasOf: 'key', deprecated: 'write "key"' },
  identifier: { on: ALL, shape: 'key', description: 'The same as key.', aliasOf: 'key' },
  if: { on: ALL, shape: 'text', description: 'Condition; the step is left out when it is false.' },
  if_changed: {
    on: ['command', 'trigger', 'group'],
    shape: 'ifChanged',
    description: 'Globs of files; the step is left out when no changed file matches.',
  },
  image: { on: COMMAND, shape: 'text', description: 'Image that the command runs in, for agents on Kubernetes.' },
  input: { on: ['input'], shape: 'textOrNull', description: 'Asks for information without stopping; the label.' },
  key: { on: ALL, shape: 'key', description: 'Name of the step for other steps and for the agent.' },
  label: { on: ALL, shape: 'textOrNull', description: 'What people see; may hold emoji.' },
  manual: { on: ['block'], shape: 'textOrNull', description: 'The same as block.', aliasOf: 'block' },
  matrix: { on: COMMAND, shape: 'matrix', description: 'Values, each combination of which becomes a job.' },
  name: { on: ALL, shape: 'textOrNull', description: 'The same as label.', aliasOf: 'label' },
  notify: { on: ['command', 'group'], shape: 'notify', description: 'Whom to tell when the step ends.' },
  parallelism: { on: COMMAND, shape: 'integer', description: 'How many equal jobs to make of this step.' },
  plugins: { on: COMMAND, shape: 'plugins', description: 'Plugins of the agent, in the order in which they run.' },
  priority: { on: COMMAND, shape: 'integer', description: 'Jobs with a higher number are given to agents first.' },
  prompt: { on: ASKING, shape: 'text', description: 'Text of the dialogue that unblocks the step.' },
  retry: { on: COMMAND, shape: 'retry', description: 'When a job is tried again, and whether people may do so.' },
  script: { on: COMMAND, shape: 'commands', description: 'The same as command.', aliasOf: 'command' },
  secrets: { on: COMMAND, shape: 'secrets', description: 'Buildkite secrets for the environment of the jobs.' },
  signature: {
    on: COMMAND,
    shape: 'object',
    description: 'Signature of the step; the agent writes it while it uploads.',
  },
  skip: {
    on: ['command', 'trigger', 'group'],
    shape: 'skip',
    description: 'Leave the step out: true, or the reason why.',
  },
  soft_fail: {
    on: ['command', 'trigger'],
    shape: 'softFail',
    description: 'Failures that do not make the build fail: true for all, or a list of exit statuses.',
  },
  steps: { on: ['group'], shape: 'steps', description: 'The steps of the group.' },
  submit: { on: ASKING, shape: 'text', description: 'Text of the button that unblocks the step.' },
  timeout_in_minutes: { on: COMMAND, shape: 'integer', description: 'Minutes after which a job is stopped.' },
  trigger: { on: ['trigger'], shape: 'text', description: 'Slug of the pipeline to build.' },
  type: { on: ALL, shape: 'stepType', description: 'Kind of the step; only needed when nothing else tells.' },
  wait: { on: ['wait'], shape: 'textOrNull', description: 'Waits for all steps above.' },
  waiter: { on: ['wait'], shape: 'textOrNull', description: 'The same as wait.', aliasOf: 'wait' },
} as const satisfies Readonly<Record<string, StepAttribute>>;

/** Attributes of the pipeline itself; what a pipeline holds beside them is free, e.g. for anchors. */
export const PIPELINE_ATTRIBUTES = {
  agents: { shape: 'agents', description: 'Which agents may run jobs of steps that say nothing themselves.' },
  cache: { shape: 'cache', description: 'Paths kept between jobs; on hosted agents only.' },
  checkout: { shape: 'checkout', description: 'How the agent fetches the source.' },
  env: { shape: 'env', description: 'Environment variables of all jobs, also known while the pipeline is uploaded.' },
  image: { shape: 'text', description: 'Image of all commands, for agents on Kubernetes.' },
  notify: { shape: 'notify', description: 'Whom to tell about the build.' },
  priority: { shape: 'integer', description: 'Priority of all jobs.' },
  secrets: { shape: 'secrets', description: 'Buildkite secrets for all jobs.' },
  steps: { shape: 'steps', description: 'The steps, in order.' },
} as const satisfies Readonly<Record<string, Omit<StepAttribute, 'on'>>>;

const byName: ReadonlyMap<string, StepAttribute> = new Map(Object.entries(STEP_ATTRIBUTES));

/** What is known of an attribute; undefined when no step has it. */
export function stepAttribute(name: string): StepAttribute | undefined {
  return byName.get(name);
}

/** The attributes that a step of this type may have, in alphabetical order. */
export function attributesOf(type: StepType): readonly string[] {
  return [...byName].flatMap(([name, { on }]) => (on.includes(type) ? [name] : []));
}

/** Values of `signal_reason` in an automatic retry rule. Source: the documentation of retry attributes. */
export const SIGNAL_REASONS: readonly string[] = [
  '*',
  'none',
  'agent_incompatible',
  'agent_refused',
  'agent_stop',
  'cancel',
  'process_run_error',
  'signature_rejected',
  'stack_error',
];
