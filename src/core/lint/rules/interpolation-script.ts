import type { LintCommandStep } from '../document.js';
import { entriesOf, nodeAt } from '../nodes.js';
import type { Found, RuleSet, StepContext } from '../rule.js';
import { namesSetIn } from '../text/shell/names.js';
import {
  demandedByUpload,
  isGivenByBuildkite,
  isOfTheHost,
  isSometimesEmpty,
  knownAtUpload,
} from '../text/upload-names.js';
import { isCommand, leaveToShell, stepSites, type UploadSite } from '../text/upload-sites.js';
import { type UploadVariable, uploadVariables } from '../text/upload-text.js';

/** Variables that a script sets for itself. */
export const scriptVariableRules: RuleSet = {
  rules: [
    {
      id: 'interpolation/script-variable',
      severity: 'warning',
      fixable: true,
      summary: 'A command uses a variable that it sets itself, and the upload expands it before.',
      why: 'The upload expands "$NAME" in the whole script before the script runs. A variable of a loop, an assignment or "read" is not set by then, so nothing stands in its place and the script goes on with an empty word.',
      remedy: 'Write "$$NAME", which leaves it to the shell of the job.',
    },
  ],
  checks: [{ scope: 'step', check: scriptVariables }],
};

function* scriptVariables(step: LintCommandStep, context: StepContext): Iterable<Found> {
  const sites = context.world.interpolate ? stepSites(step, context.document).filter(isCommand) : [];
  const used = sites.flatMap((site) =>
    uploadVariables(site.text)
      .filter(isBare)
      .map((variable) => ({ site, variable })),
  );
  const names = used.length === 0 ? new Set<string>() : namesSetIn(step.step.command);
  if (names.size === 0) return;
  const elsewhere = knownElsewhere(step, context);
  for (const { site, variable } of used) {
    const { name } = variable;
    if (!names.has(name) || elsewhere.has(name) || isOfBuildkite(name)) continue;
    if (!sites.some(({ value }) => isPassedOn(value, name))) yield found(site, variable);
  }
}

/** What the upload has from somewhere, or cannot have for a reason that another rule tells. */
function knownElsewhere({ step }: LintCommandStep, { document, world }: StepContext): ReadonlySet<string> {
  const env = entriesOf(nodeAt(step.source, ['env'])).map(({ key }) => key);
  return new Set([...knownAtUpload(document, world).keys(), ...demandedByUpload(document), ...env]);
}

/** Without a default and without a demand: nobody says where its value comes from. */
function isBare({ operator }: UploadVariable): boolean {
  return operator !== '?' && operator !== ':-' && operator !== '-';
}

function isOfBuildkite(name: string): boolean {
  return isGivenByBuildkite(name) || isSometimesEmpty(name) || isOfTheHost(name);
}

/** Whether the script gives the variable the value that the upload has: `TAG=$TAG`, `TAG="${TAG:-latest}"`. */
function isPassedOn(value: string, name: string): boolean {
  return new RegExp(`\\b${name}=\\S*(?<![$\\\\])\\$\\{?${name}\\b`).test(value);
}

function found(site: UploadSite, used: UploadVariable): Found {
  return {
    rule: 'interpolation/script-variable',
    at: site.locate(used.start, used.end),
    message: `"${used.name}" is set by this script, which runs long after the upload has expanded "${used.source}"; here it becomes empty; write "$${used.source}" to leave it to the shell`,
    fix: leaveToShell(site, used),
  };
}
