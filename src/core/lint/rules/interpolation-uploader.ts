import type { LintCommandStep, LintDocument } from '../document.js';
import { nodeAt } from '../nodes.js';
import type { Found, RuleSet, StepContext } from '../rule.js';
import { isOfTheHost, isOfTheJob } from '../text/upload-names.js';
import { isCommand, leaveToShell, stepSites, type UploadSite, uploadSites } from '../text/upload-sites.js';
import { type UploadVariable, uploadVariables } from '../text/upload-text.js';
import type { LintWorld } from '../world.js';

/** Variables that mean another thing on the agent that uploads. */
export const uploaderRules: RuleSet = {
  rules: [
    {
      id: 'interpolation/uploader-variable',
      severity: 'warning',
      fixable: true,
      summary: 'A variable that each job has for itself is filled in by the upload.',
      why: 'The upload replaces it by the value of the job that runs the upload: every job of the step then sees the same foreign id, label or checkout path, and the number of a parallel job is empty.',
      remedy: 'Write "$$NAME" in a command, so that the job reads its own.',
    },
    {
      id: 'interpolation/host-variable',
      severity: 'warning',
      fixable: true,
      summary: 'A variable of the machine, such as HOME or PATH, is filled in by the upload.',
      why: 'The upload bakes in what the uploading agent has. The job runs in another image, with other users and directories, and finds neither its programs nor its files.',
      remedy: 'Write "$$NAME" in a command; set variables such as PATH there, not in "env".',
    },
  ],
  checks: [
    { scope: 'file', check: ofPipeline },
    { scope: 'step', check: ofStep },
  ],
};

/** What reaches the job. */
const FIELDS: ReadonlySet<string | number> = new Set(['command', 'commands', 'env', 'plugins', 'artifact_paths']);

/** Handing the upload's own job on is said by the name. */
const HANDED_ON = /UPLOAD|PARENT|TRIGGER|ORIGIN|SOURCE|GENERATOR/i;

function* ofStep(step: LintCommandStep, { document, world }: StepContext): Iterable<Found> {
  const sites = world.interpolate ? stepSites(step, document) : [];
  const given = sites.length === 0 ? new Set<string>() : namesInEnv(document);
  for (const site of sites) {
    const [field] = site.path;
    if (field === 'label' || field === 'name') yield* inLabel(site);
    else if (field !== undefined && FIELDS.has(field)) yield* inSite(site, given);
  }
}

function* inSite(site: UploadSite, given: ReadonlySet<string>): Iterable<Found> {
  for (const used of uploadVariables(site.text)) {
    if (isOfTheJob(used.name) && !isHandedOn(site, used)) yield uploader(site, used);
    else if (isOfTheHost(used.name) && !given.has(used.name)) yield host(site, used);
  }
}

/** Which of the parallel jobs it is a label can say, too; other things of the uploader may be meant in it. */
function* inLabel(site: UploadSite): Iterable<Found> {
  for (const used of uploadVariables(site.text)) {
    if (used.name.startsWith('BUILDKITE_PARALLEL_JOB'))
      yield uploader(site, used, 'write "%n" for the number of the job');
  }
}

/** In the env of all jobs the uploader's own id may well be meant, its PATH is not. */
function* ofPipeline(document: LintDocument, world: LintWorld): Iterable<Found> {
  if (!world.interpolate || document.pipeline === undefined) return;
  const blocks = document.roots.map((root) => nodeAt(root, ['env'])).filter((env) => env !== undefined);
  for (const site of blocks.flatMap((env) => uploadSites(env, document.text))) {
    for (const used of uploadVariables(site.text)) {
      if (isOfTheHost(used.name)) yield host({ ...site, path: ['env', ...site.path] }, used);
    }
  }
}

function namesInEnv({ roots }: LintDocument): ReadonlySet<string> {
  return new Set(
    roots.flatMap((root) => {
      const env = nodeAt(root, ['env']);
      return env?.kind === 'map' ? env.entries.map(({ key }) => key) : [];
    }),
  );
}

function isHandedOn(site: UploadSite, { name }: UploadVariable): boolean {
  if (isCommand(site)) return false;
  // Which queue the uploading agent serves, for example.
  if (name.startsWith('BUILDKITE_AGENT_META_DATA_')) return true;
  return site.path[0] === 'env' && HANDED_ON.test(String(site.path[1]));
}

function uploader(
  site: UploadSite,
  used: UploadVariable,
  otherwise = `read it in the command as "$${used.source}"`,
): Found {
  const { name, source } = used;
  const value = /^BUILDKITE_PARALLEL_JOB/.test(name)
    ? 'the upload, which is hardly a parallel job: it is empty'
    : 'the value of the job that uploads, the same for all';
  return {
    rule: 'interpolation/uploader-variable',
    at: site.locate(used.start, used.end),
    message: `"${name}" is filled in by ${value}; ${remedyOf(site, source, otherwise)}`,
    fix: leaveToShell(site, used),
  };
}

function host(site: UploadSite, used: UploadVariable): Found {
  const { name, source } = used;
  return {
    rule: 'interpolation/host-variable',
    at: site.locate(used.start, used.end),
    message: `"${name}" is expanded on the agent that uploads, and this job gets the value of that machine; ${remedyOf(site, source, `set it in the command, where "$${source}" is the job's own`)}`,
    fix: leaveToShell(site, used),
  };
}

function remedyOf(site: UploadSite, source: string, otherwise: string): string {
  return isCommand(site) ? `write "$${source}" to read the job's own` : otherwise;
}
