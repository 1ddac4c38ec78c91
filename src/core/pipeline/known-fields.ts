/**
 * Step attributes that exist but do not shape a job here: they are kept in `otherFields` without a warning.
 * Source: the published pipeline schema and the documentation of each step type.
 */
export const QUIET_FIELDS: ReadonlySet<string> = new Set([
  'allowed_teams',
  'async',
  'block',
  'blocked_state',
  'build',
  'cache',
  'cancel_on_build_failing',
  'checkout',
  'concurrency_method',
  'fields',
  'group',
  'if_changed',
  'input',
  'manual',
  'notify',
  'prompt',
  'signature',
  'submit',
  'trigger',
  'type',
  'wait',
  'waiter',
]);
