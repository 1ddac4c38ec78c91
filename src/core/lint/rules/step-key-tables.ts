/** Keys of a part of a step. */
export interface NestedKeys {
  /** From the step; `*` is each item of a list. */
  readonly path: readonly string[];
  readonly keys: readonly string[];
  /** For messages, e.g. `a retry rule`. */
  readonly owner: string;
  /** Buildkite may know more keys than these. */
  readonly onlyNear?: boolean;
  /** Without this key something else is wrong, which another rule tells. */
  readonly needs?: string;
  /** @default step/unknown-key */
  readonly rule?: string;
  /** Keys that belong elsewhere → where. */
  readonly moved?: Readonly<Record<string, string>>;
}

const RETRY_RULE = ['exit_status', 'limit', 'signal', 'signal_reason'];

/** The parts of steps whose keys are known. Source: the published pipeline schema and the documentation of each attribute. */
export const NESTED_KEYS: readonly NestedKeys[] = [
  {
    path: ['retry'],
    keys: ['automatic', 'manual'],
    owner: '"retry"',
    moved: Object.fromEntries(RETRY_RULE.map((key) => [key, 'in a rule under "automatic"'])),
  },
  { path: ['retry', 'automatic', '*'], keys: RETRY_RULE, owner: 'a retry rule' },
  { path: ['retry', 'manual'], keys: ['allowed', 'permit_on_passed', 'reason'], owner: '"retry.manual"' },
  { path: ['matrix'], keys: ['setup', 'adjustments'], owner: '"matrix"', needs: 'setup' },
  { path: ['matrix', 'adjustments', '*'], keys: ['with', 'skip', 'soft_fail'], owner: 'a matrix adjustment' },
  { path: ['soft_fail', '*'], keys: ['exit_status'], owner: '"soft_fail"' },
  { path: ['depends_on', '*'], keys: ['step', 'allow_failure'], owner: 'a dependency', rule: 'step/depends-on' },
  { path: ['if_changed'], keys: ['include', 'exclude'], owner: '"if_changed"' },
  { path: ['cache'], keys: ['paths', 'size', 'name'], owner: '"cache"', onlyNear: true },
  {
    path: ['build'],
    keys: ['branch', 'commit', 'message', 'env', 'meta_data'],
    owner: '"build" of a trigger step',
    onlyNear: true,
  },
  {
    path: ['notify', '*'],
    keys: [
      'slack',
      'email',
      'webhook',
      'pagerduty_change_event',
      'github_commit_status',
      'github_check',
      'basecamp_campfire',
      'if',
    ],
    owner: '"notify"',
    onlyNear: true,
  },
  {
    path: ['fields', '*'],
    keys: ['text', 'select', 'key', 'hint', 'format', 'required', 'default', 'multiple', 'options'],
    owner: 'a field',
    onlyNear: true,
  },
];

/** Attributes of the build that a trigger step makes; they stand under `build`. */
export const OF_BUILD: ReadonlySet<string> = new Set(['branch', 'commit', 'env', 'message', 'meta_data']);

/** What other systems call it → what to write instead. */
export const MEANT: Readonly<Record<string, string>> = {
  timeout: 'the time limit is "timeout_in_minutes"',
  timeout_minutes: 'the time limit is "timeout_in_minutes"',
  needs: 'dependencies are written "depends_on"',
  requires: 'dependencies are written "depends_on"',
  environment: 'variables are written under "env"',
  variables: 'variables are written under "env"',
  run: 'what to run is written "command"',
  cmd: 'what to run is written "command"',
  exit_code: 'exit statuses are written "exit_status"',
  when: 'conditions are written "if"',
  tags: 'tags of agents are written under "agents"',
  allow_failure: 'failures that count as a success are written "soft_fail"',
  continue_on_error: 'failures that count as a success are written "soft_fail"',
  queue: 'the queue is written "agents: {queue: …}"',
  resource_class: 'the resource class is written under "agents"',
};
