import type { LintCommandStep, LintDocument } from '../document.js';
import { entriesOf, nodeAt } from '../nodes.js';
import { PLACEHOLDER } from '../placeholder.js';
import type { LintWorld } from '../world.js';
import { uploadSites } from './upload-sites.js';

/** Variables of Buildkite that differ between jobs: the upload puts in those of its own job. */
const OF_THE_JOB =
  /^BUILDKITE_(?:JOB_ID|PARALLEL_JOB|PARALLEL_JOB_COUNT|STEP_ID|STEP_KEY|LABEL|COMMAND|RETRY_COUNT|RETRY_TYPE|TIMEOUT|BUILD_CHECKOUT_PATH|COMMAND_EXIT_STATUS|LAST_HOOK_EXIT_STATUS|AGENT_\w+|GROUP_(?:ID|KEY|LABEL)|K8S_\w+)$/;

/** Whether each job has its own value of the variable. */
export function isOfTheJob(name: string): boolean {
  return OF_THE_JOB.test(name);
}

const OF_THE_HOST: ReadonlySet<string> = new Set('HOME PATH PWD USER SHELL HOSTNAME TMPDIR OLDPWD UID'.split(' '));

/** Whether the variable belongs to the machine a process runs on. */
export function isOfTheHost(name: string): boolean {
  return OF_THE_HOST.has(name);
}

const SOMETIMES_EMPTY =
  /^BUILDKITE_(?:TAG|PULL_REQUEST_BASE_BRANCH|PULL_REQUEST_REPO|PULL_REQUEST_LABELS|TRIGGERED_FROM_\w+|REBUILT_FROM_\w+|UNBLOCKER\w*)$/;

/** Variables of Buildkite that are empty in many builds: no tag, no pull request, no trigger. */
export function isSometimesEmpty(name: string): boolean {
  return SOMETIMES_EMPTY.test(name);
}

/** Variables that the upload has, with their values; what only the upload knows is the placeholder. */
export function knownAtUpload({ roots }: Pick<LintDocument, 'roots'>, world: LintWorld): ReadonlyMap<string, string> {
  const known = new Map<string, string>();
  for (const name of OF_THE_HOST) known.set(name, PLACEHOLDER);
  for (const root of roots) {
    for (const { key, value } of entriesOf(nodeAt(root, ['env']))) {
      if (value.kind === 'scalar') known.set(key, value.text);
    }
  }
  for (const name of world.knownEnv) known.set(name, PLACEHOLDER);
  for (const [name, value] of Object.entries(world.env)) known.set(name, value);
  return known;
}

/** Whether Buildkite itself gives the variable to every upload. */
export function isGivenByBuildkite(name: string): boolean {
  return name === 'CI' || name === 'BUILDKITE' || (name.startsWith('BUILDKITE_') && !isSometimesEmpty(name));
}

/** Whether the step runs only under a condition, which may be about tags or pull requests. */
export function isConditional(step: LintCommandStep): boolean {
  return [step.step, step.group?.step].some((each) => each?.if !== undefined || (each?.branches.length ?? 0) > 0);
}

const DEMANDED = new WeakMap<LintDocument, ReadonlySet<string>>();

/** Variables without which the upload fails anyway, because a text of the file demands them: `${NAME?}`. */
export function demandedByUpload(document: LintDocument): ReadonlySet<string> {
  const known = DEMANDED.get(document);
  if (known !== undefined) return known;
  const sites = document.tree.documents.flatMap((root) => uploadSites(root, document.text));
  const variables = sites.flatMap(({ text }) => text.filter((part) => part.kind === 'variable'));
  const demanded = new Set(variables.filter(({ operator }) => operator === '?').map(({ name }) => name));
  DEMANDED.set(document, demanded);
  return demanded;
}
