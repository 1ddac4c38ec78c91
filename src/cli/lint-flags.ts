import { Args, Flags } from '@oclif/core';

const repeated = { multiple: true, multipleNonGreedy: true } as const;

/** The argument of `lint`. Standard input is read when `-` says so, never because it happens to be a pipe. */
export const lintArgs = {
  path: Args.string({
    description:
      "files, folders, globs, or - for standard input; without one Buildkite's search order and all pipelines in .buildkite/",
    multiple: true,
    ignoreStdin: true,
  }),
};

const reporting = {
  format: Flags.string({
    char: 'f',
    helpValue: 'NAME[=FILE]',
    description:
      'pretty, compact, json, jsonl, sarif, junit, tap, checkstyle, github, gitlab or buildkite, to standard output or to a file; may be repeated. [default: pretty]',
    helpGroup: 'OUTPUT',
    ...repeated,
  }),
  quiet: Flags.boolean({ description: 'Report errors only.', helpGroup: 'OUTPUT' }),
  verbose: Flags.boolean({ description: 'Name files that are no pipelines and were left out.', helpGroup: 'OUTPUT' }),
  stats: Flags.boolean({ description: 'Count findings by rule, on standard error.', helpGroup: 'OUTPUT' }),
  'fail-on': Flags.string({
    description: 'Least severity that makes the exit status 1. [default: error]',
    options: ['error', 'warning', 'info'],
    helpGroup: 'OUTPUT',
  }),
  'max-warnings': Flags.integer({
    helpValue: 'N',
    description: 'More warnings than this make the exit status 1.',
    min: 0,
    helpGroup: 'OUTPUT',
  }),
};

const knowledge = {
  config: Flags.string({
    helpValue: 'FILE',
    description: 'Configuration file of the controller; it is linted, too. [env: CONFIG]',
    helpGroup: 'KNOWLEDGE',
  }),
  set: Flags.string({
    helpValue: 'KEY=VALUE',
    description: 'A configuration key, stronger than the file; may be repeated.',
    helpGroup: 'KNOWLEDGE',
    ...repeated,
  }),
  facts: Flags.string({
    helpValue: 'FILE',
    description: 'Snapshot of the names in the cluster, in JSON.',
    helpGroup: 'KNOWLEDGE',
  }),
  'agent-version': Flags.string({
    helpValue: 'X.Y.Z',
    description: 'Version of buildkite-agent.',
    helpGroup: 'KNOWLEDGE',
  }),
  'controller-version': Flags.string({
    helpValue: 'X.Y.Z',
    description: 'Version of the controller.',
    helpGroup: 'KNOWLEDGE',
  }),
  'kubernetes-version': Flags.string({
    helpValue: 'X.Y',
    description: 'Version of Kubernetes.',
    helpGroup: 'KNOWLEDGE',
  }),
  env: Flags.string({
    helpValue: 'NAME=VALUE',
    description: 'A variable of the upload; may be repeated.',
    helpGroup: 'KNOWLEDGE',
    ...repeated,
  }),
  'env-file': Flags.string({
    helpValue: 'FILE',
    description: 'Variables of the upload, one NAME=VALUE a line; may be repeated.',
    helpGroup: 'KNOWLEDGE',
    ...repeated,
  }),
  'no-interpolation': Flags.boolean({
    description: 'The pipelines are uploaded with --no-interpolation.',
    helpGroup: 'KNOWLEDGE',
  }),
};

const choice = {
  'lint-config': Flags.string({
    helpValue: 'FILE',
    description: 'Settings file, instead of the .agent-stack-lint.yaml of the repository.',
    helpGroup: 'RULES',
  }),
  preset: Flags.string({ description: 'Set of rules.', options: ['recommended', 'strict'], helpGroup: 'RULES' }),
  rule: Flags.string({
    helpValue: 'ID=SEVERITY',
    description: 'off, info, warning or error for a rule or an area/*; may be repeated.',
    helpGroup: 'RULES',
    ...repeated,
  }),
  shellcheck: Flags.option({
    description: 'Let shellcheck look at commands: when it is in the PATH, or it must be, or never.',
    options: ['auto', 'always', 'never'] as const,
    default: 'auto',
    helpGroup: 'RULES',
  })(),
  ignore: Flags.boolean({
    description: 'Honour lint-ignore comments.',
    default: true,
    allowNo: true,
    helpGroup: 'RULES',
  }),
  baseline: Flags.string({
    helpValue: 'FILE',
    description: 'Known findings, which are not reported.',
    helpGroup: 'RULES',
  }),
  'update-baseline': Flags.boolean({ description: 'Write all findings into the baseline.', helpGroup: 'RULES' }),
};

const files = {
  'stdin-filename': Flags.string({ helpValue: 'NAME', description: 'Name of standard input in findings.' }),
  'allow-no-files': Flags.boolean({ description: 'Finding nothing to lint is fine.' }),
  fix: Flags.boolean({
    description: 'Mend what can only mean one thing, in the files; with - the text goes to standard output.',
    exclusive: ['fix-dry-run'],
  }),
  'fix-dry-run': Flags.boolean({ description: 'Print what --fix would change as a unified diff; write nothing.' }),
};

const instead = {
  explain: Flags.string({
    helpValue: '[RULE]',
    description: 'Print the page of a rule, or list all rules; lint nothing.',
  }),
  init: Flags.boolean({
    description: 'Write a settings file to start from and tell editors of the schema; lint nothing.',
    exclusive: ['explain'],
  }),
};

/** The flags of `lint`. */
export const lintFlags = { ...files, ...reporting, ...choice, ...knowledge, ...instead };
