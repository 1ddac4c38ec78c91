import { entryOf, type MapEntry } from '../../pipeline/source-tree.js';
import { isNull } from '../../pipeline/read-fields.js';
import type { LintCommandStep } from '../document.js';
import type { Span } from '../finding.js';
import { entryAt, knownText, nodeAt } from '../nodes.js';
import { explainIssues } from '../plugin/explain-issues.js';
import { fieldLike } from '../plugin/plugin-schema.js';
import type { Found, RuleSet } from '../rule.js';

const TYPE_ERROR =
  'The controller reads the plugin as a whole. One value of a wrong type is enough: the job fails before there is a pod, with an error in the words of the Go decoder and without a line number.';

/** What the fields of the `kubernetes` plugin itself are, and what they may hold. */
export const kubernetesRules: RuleSet = {
  rules: [
    {
      id: 'kubernetes/unknown-key',
      severity: 'error',
      fixable: true,
      summary: 'The plugin has a key that does not exist.',
      why: 'The controller drops what it does not know and says nothing, so the job runs without the setting and nobody notices until something else goes wrong.',
      remedy: 'Write what the message proposes, or remove the key.',
    },
    {
      id: 'kubernetes/pod-key-outside-podspec',
      severity: 'error',
      fixable: true,
      summary: 'A field of the pod stands directly under the plugin.',
      why: 'The plugin has fields of its own; those of a pod are only read below `podSpec` and `podSpecPatch`. Elsewhere they are dropped, and the job runs with the default image on any node.',
      remedy: 'Move it under `podSpecPatch`, or under `podSpec` if the step brings its own containers.',
    },
    {
      id: 'kubernetes/key-spelling',
      severity: 'error',
      fixable: true,
      summary: 'A key is written with dashes, underscores or other capitals than it has.',
      why: 'The options of the controller are written with dashes, the fields of the plugin and of Kubernetes in camelCase. A key with dashes or underscores is dropped. One that differs in capitals only is accepted by accident, which no other tool repeats: that is a warning.',
      remedy: 'Write the key as the message spells it.',
    },
    {
      id: 'kubernetes/podspec-type',
      severity: 'error',
      fixable: true,
      summary: '`podSpec` is not a mapping.',
      why: TYPE_ERROR,
      remedy: 'Write the fields of the pod below `podSpec:`, without a `|` and without a dash.',
    },
    {
      id: 'kubernetes/podspecpatch-type',
      severity: 'error',
      fixable: true,
      summary: '`podSpecPatch` is not a mapping.',
      why: `${TYPE_ERROR} A list of containers is an easy mistake: the documentation showed one for a while.`,
      remedy: 'Write the list under `podSpecPatch.containers`.',
    },
    {
      id: 'kubernetes/podtemplate-type',
      severity: 'error',
      fixable: true,
      summary: '`podTemplate` is not a name.',
      why: TYPE_ERROR,
      remedy: 'Give the name of a PodTemplate in the namespace of the controller, or write the pod under `podSpec`.',
    },
    {
      id: 'kubernetes/podspec-and-template',
      severity: 'error',
      summary: 'A step has both `podSpec` and `podTemplate`.',
      why: 'With a `podSpec` the template is never fetched, and no log says so: what the cluster administrator put there is missing in the pod.',
      remedy: 'Keep one of them; to change a template for one step write `podSpecPatch` beside it.',
    },
    {
      id: 'kubernetes/type',
      severity: 'error',
      fixable: true,
      summary: 'A field of the plugin has a value of a wrong type.',
      why: TYPE_ERROR,
      remedy: 'Write the value as the message shows.',
    },
    {
      id: 'kubernetes/interposer',
      severity: 'error',
      summary: 'The interposer does not exist, or is the old one.',
      why: 'The interposer decides how `command` and `args` of a container become the command of the job. An unknown one fails the job; `legacy` joins the words without quoting, so a word with a blank becomes two (a warning).',
      remedy: 'Use `buildkite`, which is the default, or `vector`.',
    },
    {
      id: 'kubernetes/git-credentials-secret',
      severity: 'error',
      fixable: true,
      summary: '`gitCredentialsSecret` does not name its secret in `secretName`.',
      why: 'The value is the source of a secret volume, which knows its secret as `secretName`. Any other key is dropped, the volume has no secret, and Kubernetes refuses every Job of the step.',
      remedy: 'Write `gitCredentialsSecret: {secretName: NAME}`.',
    },
    {
      id: 'kubernetes/checkout-key',
      severity: 'error',
      fixable: true,
      summary: 'The `checkout` of the plugin has a key that does not exist.',
      why: 'A step has an attribute `checkout`, too, with other fields. The controller drops those it does not know, and the checkout is done as always.',
      remedy: 'Use the fields of the plugin: `skip`, the four lists of flags, `noSubmodules` and so on.',
    },
  ],
  checks: [
    { scope: 'job', check: explainIssues },
    { scope: 'step', check: podSpecAndTemplate },
    { scope: 'step', check: legacyInterposer },
    { scope: 'step', check: secretWithoutName },
  ],
};

function* podSpecAndTemplate({ kubernetes }: LintCommandStep): Iterable<Found> {
  for (const { config } of kubernetes) {
    const template = entryOf(config, 'podTemplate');
    const spec = entryOf(config, 'podSpec');
    if (template?.value.kind !== 'scalar' || template.value.text === '' || spec === undefined || isNull(spec.value))
      continue;
    yield {
      rule: 'kubernetes/podspec-and-template',
      at: template.keySpan,
      message:
        '"podTemplate" has no effect because "podSpec" is set, and the template is never fetched; use "podSpecPatch" to change a template, or remove one of the two',
      related: [{ at: spec.keySpan, message: 'this pod spec is used' }],
    };
  }
}

function* secretWithoutName({ kubernetes }: LintCommandStep): Iterable<Found> {
  for (const { config } of kubernetes) {
    const secret = entryAt(config, ['checkout', 'gitCredentialsSecret']);
    const at = secret?.value.kind === 'map' ? missingName(secret.value.entries, secret.keySpan) : undefined;
    if (at === undefined) continue;
    yield {
      rule: 'kubernetes/git-credentials-secret',
      at,
      message:
        '"gitCredentialsSecret" has no "secretName", so its volume has no secret and Kubernetes refuses every Job; name the secret in "secretName"',
    };
  }
}

/** Where the name of the secret is missing; nowhere when an unknown key explains that. */
function missingName(entries: readonly MapEntry[], around: Span): Span | undefined {
  const field = (key: string): string | undefined => fieldLike('SecretVolumeSource', key);
  if (entries.some(({ key }) => field(key) === undefined)) return undefined;
  const name = entries.find(({ key }) => field(key) === 'secretName')?.value;
  if (name === undefined || isNull(name)) return around;
  return name.kind === 'scalar' && name.text === '' ? name : undefined;
}

function* legacyInterposer({ kubernetes }: LintCommandStep): Iterable<Found> {
  for (const { config } of kubernetes) {
    const node = nodeAt(config, ['commandParams', 'interposer']);
    if (node === undefined || knownText(node) !== 'legacy') continue;
    yield {
      rule: 'kubernetes/interposer',
      severity: 'warning',
      at: node,
      message:
        'the interposer "legacy" joins the words of a command without quoting, so an argument with a blank becomes two; use "buildkite" (the default) or "vector"',
    };
  }
}
