import { entryOf } from '../../pipeline/source-tree.js';
import type { LintCommandStep, LintDocument } from '../document.js';
import type { Fix } from '../finding.js';
import type { Found, RuleSet, StepContext } from '../rule.js';
import { isGivenByBuildkite, isOfTheJob, knownAtUpload } from '../text/upload-names.js';
import { pathInPlugin, stepSites, type UploadSite, uploadSites } from '../text/upload-sites.js';
import type { UploadEscape } from '../text/upload-text.js';
import type { LintWorld } from '../world.js';

/** Dollar signs that are doubled where nobody expands them later. */
export const overEscapedRules: RuleSet = {
  rules: [
    {
      id: 'interpolation/over-escaped',
      severity: 'error',
      fixable: true,
      summary: 'A doubled dollar sign leaves a variable to a field in which nobody expands it.',
      why: 'The upload turns "$$TAG" into the text "$TAG". A shell would expand that; Kubernetes takes an image, a name or a path as it stands, so the pod is refused or its image is never pulled.',
      remedy:
        'Write a single "$" so that the upload fills the variable in. In "command", "args", the values of "env" and "subPathExpr" Kubernetes itself expands $(NAME).',
    },
  ],
  checks: [
    { scope: 'step', check: overEscaped },
    { scope: 'file', check: imageOfPipeline },
  ],
};

/** Keys below which a text is a command, or anything at all. */
const EXPANDED_LATER: ReadonlySet<string | number> = new Set(['command', 'args', 'subPathExpr']);

function* overEscaped(step: LintCommandStep, context: StepContext): Iterable<Found> {
  if (!context.world.interpolate) return;
  for (const site of stepSites(step, context.document)) {
    const inPlugin = pathInPlugin(site, step);
    const isFinal = inPlugin === undefined ? site.path[0] === 'image' : !isExpandedLater(inPlugin, site.value);
    if (!isFinal) continue;
    for (const part of site.text) {
      if (part.kind === 'escape') yield* escaped(site, part, { env: step.step.env, ...context });
    }
  }
}

function* imageOfPipeline(document: LintDocument, world: LintWorld): Iterable<Found> {
  const images = document.roots.flatMap((root) => entryOf(root, 'image')?.value ?? []);
  for (const site of world.interpolate ? images.flatMap((image) => uploadSites(image, document.text)) : []) {
    for (const part of site.text) {
      if (part.kind === 'escape') yield* escaped({ ...site, path: ['image'] }, part, { env: {}, document, world });
    }
  }
}

function isExpandedLater(path: UploadSite['path'], value: string): boolean {
  // Templates in annotations have variables of their own.
  if (path.includes('annotations') && /\{\{(?!\s*matrix\b)/.test(value)) return true;
  return path.some((segment) => EXPANDED_LATER.has(segment)) || (path.includes('env') && path.at(-1) === 'value');
}

const VARIABLE = /^(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)[^}]*\})/;

interface Surroundings extends Pick<StepContext, 'document' | 'world'> {
  /** The step's own. */
  readonly env: Readonly<Record<string, string>>;
}

function* escaped(site: UploadSite, part: UploadEscape, { env, document, world }: Surroundings): Iterable<Found> {
  const [variable, plain, braced] = VARIABLE.exec(site.value.slice(part.end)) ?? [];
  const name = plain ?? braced;
  if (variable === undefined || name === undefined) return;
  const known = isGivenToAll(name) || knownAtUpload(document, world).has(name);
  const end = part.end + variable.length;
  yield {
    rule: 'interpolation/over-escaped',
    at: site.locate(part.start, end),
    message: messageOf(site.value.slice(part.start, end), variable, {
      field: String(site.path.findLast((segment) => typeof segment === 'string')),
      inStep: Object.hasOwn(env, name) && !known,
    }),
    explains: site.span,
    fix: known ? singleDollar(site, part, document.text) : undefined,
  };
}

/** Whether the upload knows the variable, with the value that every job has. */
function isGivenToAll(name: string): boolean {
  return isGivenByBuildkite(name) && !isOfTheJob(name);
}

function messageOf(
  written: string,
  variable: string,
  { field, inStep }: { readonly field: string; readonly inStep: boolean },
): string {
  const remedy = inStep
    ? 'write its value here, since the step\'s own "env" is not known at the upload either'
    : 'write a single "$", so that the upload fills it in';
  return `"${written}" leaves the text "$${variable}" in "${field}", where nobody expands it, so the pod cannot start as meant; ${remedy}`;
}

function singleDollar(site: UploadSite, { start, end }: UploadEscape, text: string): Fix | undefined {
  const span = site.locate(start, end);
  const isPlain = /^(?:\$\$|\\\$)$/.test(text.slice(span.start, span.end));
  return isPlain ? { description: 'write a single "$"', edits: [{ ...span, text: '$' }] } : undefined;
}
