import type { SourceNode } from '../../pipeline/source-tree.js';
import type { LintCommandStep, LintDocument } from '../document.js';
import { envEntries } from '../plugin/env-entries.js';
import { fileModes } from '../plugin/file-modes.js';
import { bareVolumes, negativeQuantities } from '../plugin/pod-values.js';
import { typedMaps } from '../plugin/typed-nodes.js';
import type { Found, RuleSet, StepContext } from '../rule.js';

const TYPE_ERROR =
  'Kubernetes types are strict and so is the decoder of the controller: the job fails before there is a pod, with an error in the words of Go and without a line number.';

/** Whether what is written for the pod has the shape of a pod; `rules/kubernetes.ts` finds most of it while it reads the plugin. */
export const podShapeRules: RuleSet = {
  rules: [
    {
      id: 'pod/unknown-key',
      severity: 'error',
      fixable: true,
      summary: 'The pod, or something in it, has a key that Kubernetes does not know.',
      why: 'The controller drops it before Kubernetes could complain. The pod starts without the setting: no command, no mount, no limit.',
      remedy: 'Write what the message proposes, or remove the key.',
    },
    {
      id: 'pod/metadata-in-podspec',
      severity: 'error',
      fixable: true,
      summary: 'The pod spec holds `metadata` or another part of a whole Pod object.',
      why: '`podSpec` is what stands under `spec:` of a Pod. Labels and annotations in it are dropped, and so are the selectors, policies and quotas that were to act on them.',
      remedy: 'Write `metadata` with `labels` and `annotations` directly under the plugin.',
    },
    {
      id: 'pod/env-string',
      severity: 'error',
      fixable: true,
      summary: 'The value of an environment variable is not a string.',
      why: 'YAML reads 0, true and 1.10 as numbers and booleans, and 2026-01-31 as a date. Kubernetes wants strings here and the job fails before it starts; a date arrives as another text.',
      remedy: 'Put the value in quotes.',
    },
    {
      id: 'pod/map-string',
      severity: 'error',
      fixable: true,
      summary: 'A label, an annotation or a node selector has a value that is not a string.',
      why: 'YAML reads true and 1.10 as a boolean and a number; these mappings hold strings only, and the job fails before it starts.',
      remedy: 'Put the value in quotes.',
    },
    {
      id: 'pod/list-or-map',
      severity: 'error',
      fixable: true,
      summary: 'A mapping stands where a list is wanted, or the other way round.',
      why: TYPE_ERROR,
      remedy: 'Begin the items of lists with a dash, and write `key: value` in mappings; the message shows which.',
    },
    {
      id: 'pod/command-type',
      severity: 'error',
      fixable: true,
      summary: '`command` or `args` of a container is not a list of strings.',
      why: `The step has a \`command\` that may be one text, the container has one that may not. ${TYPE_ERROR}`,
      remedy: 'Write a list, with quotes around numbers and around texts that hold a colon and a blank.',
    },
    {
      id: 'pod/type',
      severity: 'error',
      summary: 'A value in the pod is of a wrong type or out of its range.',
      why: TYPE_ERROR,
      remedy: 'Write a value of the type that the message names.',
    },
    {
      id: 'pod/enum',
      severity: 'error',
      fixable: true,
      summary: 'A value is none of the words that Kubernetes allows there.',
      why: 'Kubernetes compares these words exactly, capitals included, and refuses the Job.',
      remedy: 'Write the word as the message spells it.',
    },
    {
      id: 'yaml/number-trap',
      severity: 'error',
      fixable: true,
      summary: 'A number is quoted, a text is not, or a file mode is not what it looks like.',
      why: 'Kubernetes does not turn "1000" into 1000, nor 1.24 into "1.24": the job fails before it starts. `755` is the decimal number 755, not rwxr-xr-x: modes are octal only with a leading 0. A mode above 511 (octal 777) is refused, a smaller one gives other permissions.',
      remedy: 'Remove or add the quotes; begin file modes with 0.',
    },
    {
      id: 'env/entry',
      severity: 'error',
      fixable: true,
      summary: 'An entry of `env` has no proper name, two values, or the name of another entry.',
      why: '`env` of a container is a list of `{name, value}`. The short form that steps and Docker Compose use is dropped as an unknown key, and Kubernetes refuses what is left. Of two entries with one name the last wins (a warning).',
      remedy: 'Write `{name: FOO, value: bar}`, each name once, with `value` or `valueFrom`.',
    },
    {
      id: 'volume/no-source',
      severity: 'error',
      fixable: true,
      summary: 'A volume has no type that Kubernetes knows.',
      why: 'The unknown type is dropped and Kubernetes makes an empty directory of the volume. The job runs, and its files are not there. A volume with nothing but a name becomes the same thing (a warning).',
      remedy: 'Write the type as Kubernetes spells it, or `emptyDir: {}` if that is what you want.',
    },
    {
      id: 'resources/quantity',
      severity: 'error',
      summary: 'An amount of CPU, memory or anything else is not a Kubernetes quantity.',
      why: 'The controller cannot read it and fails the job with a regular expression that names neither the field nor the step. Negative amounts are refused by Kubernetes.',
      remedy: 'Write a number and one suffix without a blank: 500m, 4G (powers of 1000), 4Gi (powers of 1024).',
    },
    {
      id: 'security/context-level',
      severity: 'error',
      summary: 'A field of `securityContext` stands on the wrong level.',
      why: 'A pod and a container both have a `securityContext`, with different fields: `privileged`, `capabilities` and the like exist on containers only, `fsGroup` and the like on the pod only. On the other level they are dropped.',
      remedy: 'Move the field to the level it exists on.',
    },
  ],
  checks: [{ scope: 'step', check: podValues }],
};

/** By the offset of the configuration: steps that share an anchor are looked at once. */
const known = new WeakMap<LintDocument, Map<number, readonly Found[]>>();

function* podValues({ kubernetes }: LintCommandStep, { document }: StepContext): Iterable<Found> {
  const found = known.get(document) ?? new Map<number, readonly Found[]>();
  known.set(document, found);
  for (const { config } of kubernetes) {
    if (config === undefined) continue;
    const values = found.get(config.start) ?? [...valuesIn(config, document.text)];
    found.set(config.start, values);
    yield* values;
  }
}

function* valuesIn(config: SourceNode, text: string): Iterable<Found> {
  const maps = [...typedMaps(config)];
  yield* envEntries(maps, text);
  yield* fileModes(maps, text);
  yield* bareVolumes(maps);
  yield* negativeQuantities(maps);
}
