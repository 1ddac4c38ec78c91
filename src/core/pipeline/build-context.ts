import { type BuildContext, OFFLINE_BUILD } from './step-to-job.js';

/** Variables of the build that a person can give with `--env` instead of the stand-ins. */
const FIELD_BY_VARIABLE = {
  BUILDKITE_BRANCH: 'branch',
  BUILDKITE_BUILD_ID: 'buildId',
  BUILDKITE_BUILD_URL: 'buildUrl',
  BUILDKITE_COMMIT: 'commit',
  BUILDKITE_MESSAGE: 'message',
  BUILDKITE_ORGANIZATION_SLUG: 'organizationSlug',
  BUILDKITE_PIPELINE_NAME: 'pipelineName',
  BUILDKITE_PIPELINE_PROVIDER: 'provider',
  BUILDKITE_PIPELINE_SLUG: 'pipelineSlug',
  BUILDKITE_REPO: 'repo',
} as const satisfies Readonly<Record<string, keyof BuildContext>>;

/** A build made of stand-ins and of what is known: `env` may name its branch, commit, repository, … and adds variables of its own. */
export function buildContextFrom(env: Readonly<Record<string, string>>): BuildContext {
  const known = Object.entries(FIELD_BY_VARIABLE).flatMap(([name, field]) =>
    env[name] === undefined ? [] : [[field, env[name]]],
  );
  const number = Number(env.BUILDKITE_BUILD_NUMBER ?? OFFLINE_BUILD.buildNumber);
  const own = Object.entries(env).filter(([name]) => !(name in FIELD_BY_VARIABLE) && name !== 'BUILDKITE_BUILD_NUMBER');
  return {
    ...OFFLINE_BUILD,
    ...Object.fromEntries<string>(known as [string, string][]),
    buildNumber: Number.isSafeInteger(number) ? number : OFFLINE_BUILD.buildNumber,
    env: Object.fromEntries(own),
  };
}

/** The stand-ins that `env` leaves in place, as `NAME=value`. */
export function standIns(env: Readonly<Record<string, string>>): readonly string[] {
  const names = [...Object.entries(FIELD_BY_VARIABLE), ['BUILDKITE_BUILD_NUMBER', 'buildNumber'] as const];
  return names
    .filter(([name]) => env[name] === undefined)
    .map(([name, field]) => `${name}=${String(OFFLINE_BUILD[field])}`);
}
