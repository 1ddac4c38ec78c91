import { decodeKubernetesPlugin, KUBERNETES_PLUGIN } from '../../job/kubernetes-plugin.js';
import type { DecodeIssue } from '../../schema/decode.js';
import type { LintJob } from '../lint-job.js';
import type { Found, StepContext } from '../rule.js';
import { placeIssue, type PluginPlace } from './plugin-place.js';
import { explainUnknownKey } from './unknown-key.js';
import { explainWrongType } from './wrong-type.js';
import { explainBadFormat, explainNotAllowed, explainWrongCase } from './wrong-value.js';

const EXPLAIN: Readonly<Record<DecodeIssue['kind'], (place: PluginPlace) => Found | undefined>> = {
  'unknown-field': explainUnknownKey,
  'wrong-case': explainWrongCase,
  'wrong-type': explainWrongType,
  'not-allowed': explainNotAllowed,
  'bad-format': explainBadFormat,
  // Only asked for where something is built, never of a plugin.
  'missing-field': () => undefined,
};

/** What no rule about the meaning of the key has to speak of any more. */
const UNREAD: ReadonlySet<DecodeIssue['kind']> = new Set(['unknown-field', 'wrong-type']);

/** Everything that the controller cannot read in a step's plugin, each as one finding of the rule that knows it best. */
export function* explainIssues(job: LintJob, { document }: StepContext): Iterable<Found> {
  const uses = job.variant.step.plugins.filter(({ source }) => source === KUBERNETES_PLUGIN);
  const { kubernetes } = job.step;
  for (const [index, { config, name }] of kubernetes.entries()) {
    if (config === undefined) continue;
    const value = uses[index]?.config ?? null;
    const issues = index === kubernetes.length - 1 ? job.issues : decodeKubernetesPlugin(value).issues;
    for (const issue of issues) {
      const place = placeIssue(issue, { config, value, name, text: document.text });
      const found = EXPLAIN[issue.kind](place);
      const isUnread = place.entry !== undefined && UNREAD.has(issue.kind);
      if (found !== undefined) yield isUnread ? { explains: place.entry.keySpan, ...found } : found;
    }
  }
}
