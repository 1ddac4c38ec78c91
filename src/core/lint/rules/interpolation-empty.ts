import { parseImageReference } from '../../manifest/image-reference.js';
import { parseQuantity } from '../../quantity.js';
import type { LintCommandStep, LintDocument } from '../document.js';
import { entriesOf, nodeAt } from '../nodes.js';
import { PLACEHOLDER } from '../placeholder.js';
import type { Found, RuleSet, StepContext } from '../rule.js';
import {
  demandedByUpload,
  isConditional,
  isGivenByBuildkite,
  isSometimesEmpty,
  knownAtUpload,
} from '../text/upload-names.js';
import { pathInPlugin, stepSites, type UploadSite, uploadSites } from '../text/upload-sites.js';
import { parseUploadText, type UploadVariable, uploadVariables } from '../text/upload-text.js';
import { domainOf, MATRIX_TOKEN, neverValid, whenUnset } from '../text/value-domain.js';
import type { LintWorld } from '../world.js';

/** Variables in places where nothing is fatal. */
export const emptyResultRules: RuleSet = {
  rules: [
    {
      id: 'interpolation/empty-result',
      severity: 'warning',
      summary: 'An image, name, amount or queue is broken when a variable of the upload is not set.',
      why: 'The upload turns a variable that is not set into nothing, without a word. A command may live with that; an image "app:" or a Secret without a name does not, and the job fails long after the upload.',
      remedy:
        'Write ${NAME?}, which fails the upload with a message, or give a default with ${NAME:-text}; or set the variable in the "env" at the top of the pipeline.',
    },
  ],
  checks: [
    { scope: 'file', check: ofPipeline },
    { scope: 'step', check: ofStep },
  ],
};

/** A field that has to be something. */
interface Field {
  /** For the message. */
  readonly what: string;
  readonly isValid: (text: string) => boolean;
}

const NAME: Field = { what: 'name', isValid: (text) => /^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/.test(text) };
const IMAGE: Field = { what: 'image', isValid: (text) => parseImageReference(text).ok };
const AMOUNT: Field = { what: 'amount', isValid: (text) => parseQuantity(text).ok };
const some = (what: string): Field => ({ what, isValid: (text) => text.trim() !== '' });

/** Fields of the plugin by their key, wherever they stand. */
const BY_KEY: ReadonlyMap<string, Field> = new Map([
  ['image', IMAGE],
  ['name', NAME],
  ['secretName', NAME],
  ['claimName', NAME],
  ['serviceAccountName', NAME],
  ['priorityClassName', NAME],
  ['runtimeClassName', NAME],
  ['podTemplate', NAME],
  ['sizeLimit', AMOUNT],
  ['storage', AMOUNT],
  ['mountPath', some('path')],
]);

/** By the keys around them. */
const BY_PARENT: ReadonlyMap<string, Field> = new Map([
  ['requests', AMOUNT],
  ['limits', AMOUNT],
  ['secretKeyRef', some('key')],
  ['configMapKeyRef', some('key')],
  ['hostPath', some('path')],
]);

function fieldInPlugin(path: readonly (string | number)[]): Field | undefined {
  const key = String(path.at(-1));
  const parent = String(path.at(-2));
  // Names of variables are no names of objects, and labels and annotations may be empty.
  if (path.at(-3) === 'env' || parent === 'labels' || parent === 'annotations' || parent === 'nodeSelector')
    return undefined;
  return BY_KEY.get(key) ?? BY_PARENT.get(parent);
}

function fieldOfStep(path: readonly (string | number)[]): Field | undefined {
  switch (path[0]) {
    case 'image':
      return IMAGE;
    case 'key':
    case 'id':
    case 'identifier':
      return some('key');
    case 'agents':
      return agentField(path);
    default:
      return undefined;
  }
}

/** Agents as a mapping or as a list of `tag=value`. */
function agentField(path: readonly (string | number)[]): Field {
  const what = path[1] === 'queue' ? 'queue' : 'agent tag';
  return { what, isValid: (text) => (typeof path[1] === 'number' ? !/=\s*$/.test(text) : text.trim() !== '') };
}

function* ofPipeline(document: LintDocument, world: LintWorld): Iterable<Found> {
  if (!world.interpolate || document.pipeline === undefined) return;
  const surroundings = { ...upload(document, world), own: new Set<string>(), conditional: false };
  for (const root of document.roots) {
    for (const { key, value } of entriesOf(root)) {
      if (key !== 'agents' && key !== 'image') continue;
      for (const site of uploadSites(value, document.text)) {
        yield* check(site, fieldOfStep([key, ...site.path]), surroundings);
      }
    }
  }
}

function* ofStep(step: LintCommandStep, { document, world }: StepContext): Iterable<Found> {
  const sites = stepSites(step, document);
  if (!world.interpolate || sites.length === 0) return;
  const surroundings = {
    ...upload(document, world),
    own: new Set(entriesOf(nodeAt(step.step.source, ['env'])).map(({ key }) => key)),
    conditional: isConditional(step),
  };
  for (const site of sites) {
    const inPlugin = pathInPlugin(site, step);
    yield* check(site, inPlugin === undefined ? fieldOfStep(site.path) : fieldInPlugin(inPlugin), surroundings);
  }
}

interface Surroundings {
  readonly known: ReadonlyMap<string, string>;
  readonly demanded: ReadonlySet<string>;
  /** Names in the step's own env: that they are not known here is another mistake. */
  readonly own: ReadonlySet<string>;
  readonly conditional: boolean;
}

function upload(document: LintDocument, world: LintWorld): Pick<Surroundings, 'known' | 'demanded'> {
  return { known: knownAtUpload(document, world), demanded: demandedByUpload(document) };
}

function* check(site: UploadSite, field: Field | undefined, surroundings: Surroundings): Iterable<Found> {
  const variables = uploadVariables(site.text);
  if (field === undefined || variables.some(({ name }) => surroundings.own.has(name))) return;
  const given = givenOf(variables, surroundings);
  const culprits = variables.filter(({ name, operator }) => !given.has(name) && operator !== '?');
  const [first] = culprits;
  if (first === undefined) return;
  const onlySometimes = culprits.every(({ name }) => isSometimesEmpty(name));
  const unset = brokenText(site.value, { field, given });
  if (unset === undefined || (onlySometimes && surroundings.conditional)) return;
  yield {
    rule: 'interpolation/empty-result',
    at: site.locate(first.start, first.end),
    message: messageOf(culprits, { field, unset, onlySometimes }),
    ...(onlySometimes ? { severity: 'info' as const } : {}),
  };
}

function givenOf(variables: readonly UploadVariable[], { known, demanded }: Surroundings): ReadonlyMap<string, string> {
  const given = new Map(known);
  for (const { name } of variables) {
    if (!given.has(name) && (isGivenByBuildkite(name) || demanded.has(name))) given.set(name, PLACEHOLDER);
  }
  return given;
}

/** What the text is when nothing else is set, if that is wrong and something else would be right. */
function brokenText(
  value: string,
  { field, given }: { readonly field: Field; readonly given: ReadonlyMap<string, string> },
): string | undefined {
  const domain = domainOf(parseUploadText(value.replace(MATRIX_TOKEN, PLACEHOLDER)), given);
  const unset = whenUnset(domain);
  // What is wrong whatever the variables are is not theirs.
  if (unset === undefined || field.isValid(unset) || neverValid(domain, field.isValid)) return undefined;
  return unset.replaceAll(PLACEHOLDER, '…');
}

interface Verdict {
  readonly field: Field;
  readonly unset: string;
  readonly onlySometimes: boolean;
}

function messageOf(culprits: readonly UploadVariable[], { field, unset, onlySometimes }: Verdict): string {
  const names = [...new Set(culprits.map(({ name }) => name))];
  const subject = names.map((name) => `"${name}"`).join(' and ');
  const many = names.length > 1;
  const when = onlySometimes
    ? `${subject} ${many ? 'are' : 'is'} empty in many builds, and then`
    : `if ${subject} ${many ? 'are' : 'is'} not set when the pipeline is uploaded,`;
  const result = unset === '' ? 'is empty' : `becomes "${unset}", which is invalid`;
  const name = names[0] ?? '';
  const remedy = onlySometimes
    ? `give a default with \${${name}:-…} or run the step under a condition`
    : `write \${${name}?}, which fails the upload with a message, or give a default with \${${name}:-…}`;
  return `${when} this ${field.what} ${result}; ${remedy}`;
}
