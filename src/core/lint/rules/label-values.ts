import type { LintCommandStep } from '../document.js';
import type { Found, RuleSet, StepContext } from '../rule.js';
import { isConditional } from '../text/upload-names.js';
import { pathInPlugin, stepSites, type UploadSite } from '../text/upload-sites.js';
import { uploadVariables } from '../text/upload-text.js';

/** Labels that are right in some builds only; what is wrong in all is told where the built Job is judged. */
export const labelValueRules: RuleSet = {
  rules: [
    {
      id: 'metadata/label-may-break',
      severity: 'warning',
      summary: 'The value of a label comes from a text that people write, such as the name of a branch.',
      why: 'A label value has at most 63 letters, digits, "-", "_" and ".", and begins and ends with a letter or digit. With a branch "feature/login" or a long message the API server refuses the Job, and the step fails in that build only.',
      remedy: 'Write it as an annotation, whose value may be any text, or label with a number or slug.',
    },
  ],
  checks: [{ scope: 'step', check: labelsFromPeople }],
};

/** Variables of Buildkite with what may be in them that no label takes. */
const FREE_TEXTS: readonly { readonly names: RegExp; readonly has: string }[] = [
  { names: /^BUILDKITE_(?:BRANCH|PULL_REQUEST_BASE_BRANCH|TAG)$/, has: '"/" or more than 63 characters' },
  {
    names: /^BUILDKITE_(?:MESSAGE|LABEL|COMMAND|PIPELINE_NAME|GROUP_LABEL|AGENT_NAME)$/,
    has: 'spaces or more than 63 characters',
  },
  { names: /^BUILDKITE_(?:BUILD_CREATOR|BUILD_AUTHOR|UNBLOCKER)$/, has: 'spaces' },
  { names: /^BUILDKITE_(?:BUILD_CREATOR|BUILD_AUTHOR|UNBLOCKER)_EMAIL$/, has: '"@"' },
  { names: /^BUILDKITE_(?:BUILD_CREATOR|UNBLOCKER)_TEAMS$/, has: '":"' },
  { names: /^BUILDKITE_(?:REPO|PULL_REQUEST_REPO|BUILD_URL|PLUGINS)$/, has: '":" and "/"' },
];

function* labelsFromPeople(step: LintCommandStep, { document, world }: StepContext): Iterable<Found> {
  if (!world.interpolate || step.kubernetes.length === 0) return;
  // A condition may be about just this.
  const severity = isConditional(step) ? { severity: 'info' as const } : {};
  for (const site of stepSites(step, document)) {
    const label = labelOf(pathInPlugin(site, step));
    if (label === undefined) continue;
    for (const { name, start, end } of uploadVariables(site.text)) {
      const has = world.env[name] === undefined ? FREE_TEXTS.find(({ names }) => names.test(name))?.has : undefined;
      if (has === undefined) continue;
      yield {
        rule: 'metadata/label-may-break',
        ...severity,
        at: site.locate(start, end),
        message: `label "${label}" takes the value of "${name}", which may have ${has}; then Kubernetes refuses the Job, and the step fails in some builds only. write it as an annotation`,
      };
    }
  }
}

function labelOf(path: UploadSite['path'] = []): string | undefined {
  return path[0] === 'metadata' && path[1] === 'labels' ? path[2]?.toString() : undefined;
}
