import type { MapEntry } from '../../pipeline/source-tree.js';
import type { LintCommandStep } from '../document.js';
import { entriesOf, itemsOf, nodeAt } from '../nodes.js';
import { isUnknown } from '../placeholder.js';
import type { Found, RuleSet, StepContext } from '../rule.js';
import { isOfTheHost, isOfTheJob, knownAtUpload } from '../text/upload-names.js';
import { isCommand, leaveToShell, stepSites, type UploadSite, writtenValue } from '../text/upload-sites.js';
import { parseUploadText, type UploadVariable, uploadVariables } from '../text/upload-text.js';
import { writtenContainers } from '../written-containers.js';

/** Variables that a job has and the upload has not. */
export const stepScopeRules: RuleSet = {
  rules: [
    {
      id: 'interpolation/step-env-scope',
      severity: 'error',
      fixable: true,
      summary: 'A text uses a variable of its own step, which the upload does not know.',
      why: 'The upload expands every string before any job exists. The "env" of a step, of its containers and its secrets are given to the job later, so "$NAME" has become empty, or the value of another variable of that name, long before.',
      remedy:
        'In a command write "$$NAME", which leaves it to the shell of the job. In other fields write the value itself, or move the variable to the "env" at the top of the pipeline.',
    },
  ],
  checks: [{ scope: 'step', check: stepVariables }],
};

/** A variable that only the job has. */
interface JobVariable {
  readonly name: string;
  /** Where its author gave it, for messages. */
  readonly where: string;
  readonly at: { readonly start: number; readonly end: number };
  /** As written; undefined = it comes from a secret, a field, … */
  readonly value: string | undefined;
  /** The step's own env is never there at the upload; another container's or a secret's may by chance be. */
  readonly certain: boolean;
}

function* stepVariables(step: LintCommandStep, { document, world }: StepContext): Iterable<Found> {
  const sites = stepSites(step, document);
  if (!world.interpolate || sites.length === 0) return;
  const variables = jobVariables(step);
  if (variables.size === 0) return;
  const known = knownAtUpload(document, world);
  for (const site of sites) {
    for (const used of uploadVariables(site.text)) {
      const variable = variables.get(used.name);
      if (variable === undefined || isSelf(site, variable) || isMeant(site, used, variable)) continue;
      const atUpload = known.get(used.name);
      if (!mayBeSame(variable, atUpload)) yield found(site, used, { variable, atUpload });
    }
  }
}

/** Whether the upload may well have what the job has. */
function mayBeSame({ value, certain }: JobVariable, atUpload: string | undefined): boolean {
  return atUpload !== undefined && (!certain || isUnknown(atUpload) || atUpload === value);
}

function jobVariables(step: LintCommandStep): ReadonlyMap<string, JobVariable> {
  const variables = [...ofContainers(step), ...ofSecrets(step), ...ofEnv(step)];
  // Those have rules of their own.
  const own = variables.filter(({ name }) => !isOfTheHost(name) && !isOfTheJob(name));
  return new Map(own.map((variable) => [variable.name, variable]));
}

function ofEnv({ step }: LintCommandStep): readonly JobVariable[] {
  return entriesOf(nodeAt(step.source, ['env'])).map((entry) => ({
    ...fromEntry(entry, "this step's env"),
    value: entry.value.kind === 'scalar' ? (writtenValue(entry.value) ?? entry.value.text) : undefined,
    certain: true,
  }));
}

function ofSecrets({ step }: LintCommandStep): readonly JobVariable[] {
  return entriesOf(nodeAt(step.source, ['secrets'])).map((entry) => fromEntry(entry, "this step's secrets"));
}

function fromEntry({ key, keySpan }: MapEntry, where: string): JobVariable {
  return { name: key, where, at: keySpan, value: undefined, certain: false };
}

function ofContainers(step: LintCommandStep): readonly JobVariable[] {
  return writtenContainers(step).flatMap(({ node }) =>
    itemsOf(nodeAt(node, ['env'])).flatMap((item) => {
      const name = nodeAt(item, ['name']);
      const value = nodeAt(item, ['value']);
      if (name?.kind !== 'scalar') return [];
      const written = value?.kind === 'scalar' ? (writtenValue(value) ?? value.text) : undefined;
      return [{ name: name.text, where: "a container's env", at: name, value: written, certain: false }];
    }),
  );
}

/** Whether the text is the variable's own value: it extends what the upload has. */
function isSelf({ path, value }: UploadSite, variable: JobVariable): boolean {
  return (path[0] === 'env' && path[1] === variable.name) || (path.includes('env') && value === variable.value);
}

/** Whether the upload puts in what the job would have, or its author says that the upload must know it, or need not. */
function isMeant(site: UploadSite, used: UploadVariable, variable: JobVariable): boolean {
  const { value } = variable;
  if (used.operator === '?' || value === used.source) return true;
  if (value === undefined) return false;
  const passed = passedOn(variable);
  if (passed === undefined) return hasDefault(used) && defaultOf(used) === value;
  if (passed.operator === '?' || passed.operator === undefined) return true;
  return hasDefault(used) && (!isScript(site) || defaultOf(used) === defaultOf(passed));
}

/** As written: `x` of `${NAME:-x}`. */
function defaultOf({ name, source }: UploadVariable): string {
  return source.slice('${'.length + name.length, -1).replace(/^:?-/, '');
}

/** The variable of the same name that a value such as `X: ${X:-default}` passes on from the upload. */
function passedOn({ name, value = '' }: JobVariable): UploadVariable | undefined {
  const [part, ...others] = parseUploadText(value);
  return part?.kind === 'variable' && part.name === name && others.length === 0 ? part : undefined;
}

function hasDefault({ operator, fallback }: UploadVariable): boolean {
  return (operator === ':-' || operator === '-') && fallback !== undefined && fallback.length > 0;
}

interface Circumstances {
  readonly variable: JobVariable;
  /** What the upload has instead. */
  readonly atUpload: string | undefined;
}

function found(site: UploadSite, used: UploadVariable, { variable, atUpload }: Circumstances): Found {
  const { name, where } = variable;
  return {
    rule: 'interpolation/step-env-scope',
    at: site.locate(used.start, used.end),
    message: `"${name}" is set in ${where}, which the job gets only after the upload has expanded this text; here it becomes ${resultOf(used, atUpload)}; ${remedyOf(site, used)}`,
    related: [{ at: variable.at, message: `"${name}" is set here, for the job` }],
    fix: leaveToShell(site, used),
    ...(variable.certain && atUpload === undefined && !hasDefault(used) ? {} : { severity: 'warning' as const }),
  };
}

function resultOf(used: UploadVariable, atUpload: string | undefined): string {
  if (atUpload !== undefined) return 'the value that the upload has';
  return hasDefault(used) ? 'its default' : 'empty';
}

const SCRIPT_KEYS: ReadonlySet<string | number> = new Set(['command', 'args']);

/** A text in which a shell could read the variable later. */
function isScript(site: UploadSite): boolean {
  return isCommand(site) || site.path.some((segment) => SCRIPT_KEYS.has(segment));
}

function remedyOf(site: UploadSite, used: UploadVariable): string {
  if (isScript(site)) {
    return `write "$${used.source}" to leave it to the job's shell`;
  }
  return `write the value itself, or set "${used.name}" in the "env" at the top of the pipeline`;
}
