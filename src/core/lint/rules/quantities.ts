import { compareQuantities, parseQuantity, type Quantity } from '../../quantity.js';
import type { MapEntry, SourceNode } from '../../pipeline/source-tree.js';
import type { LintCommandStep } from '../document.js';
import { entriesOf, knownText, mapsIn, nodeAt } from '../nodes.js';
import type { Found, RuleSet } from '../rule.js';
import { writtenContainers } from '../written-containers.js';

/** Amounts that are valid and hardly meant. */
export const quantityRules: RuleSet = {
  rules: [
    {
      id: 'resources/suspicious-quantity',
      severity: 'warning',
      summary: 'An amount of memory, disk or CPU is far from anything useful.',
      why: 'Kubernetes accepts it: "m" means thousandths also of a byte, a plain number of memory is bytes, a plain number of CPU is whole cores. The pod is then killed at once, or no node is ever big enough and the job waits until the pending timeout.',
      remedy: 'Write memory and disk with Mi or Gi, CPU in cores ("2") or thousandths ("500m").',
    },
  ],
  checks: [{ scope: 'step', check: suspiciousQuantities }],
};

interface Bounds {
  readonly least?: Quantity;
  readonly most?: Quantity;
  readonly unit: string;
}

function quantity(text: string): Quantity {
  const parsed = parseQuantity(text);
  if (!parsed.ok) throw new Error(`"${text}" is no quantity`);
  return parsed.value;
}

/** Nobody gives a container less, and no machine has more. */
const BOUNDS: Readonly<Record<string, Bounds>> = {
  cpu: { most: quantity('256'), unit: 'm' },
  memory: { least: quantity('1Mi'), most: quantity('16Ti'), unit: 'Mi' },
  'ephemeral-storage': { least: quantity('1Mi'), unit: 'Mi' },
  sizeLimit: { least: quantity('1Mi'), unit: 'Mi' },
};

const ZERO = quantity('0');

function* suspiciousQuantities(step: LintCommandStep): Iterable<Found> {
  for (const { node } of writtenContainers(step)) yield* inResources(nodeAt(node, ['resources']));
  for (const { config } of step.kubernetes) {
    for (const part of ['podSpec', 'podSpecPatch']) {
      yield* inResources(nodeAt(config, [part, 'resources']));
      for (const volume of mapsIn(nodeAt(config, [part, 'volumes']))) yield* inEntries(nodeAt(volume, ['emptyDir']));
    }
  }
}

function* inResources(resources: SourceNode | undefined): Iterable<Found> {
  for (const kind of ['requests', 'limits']) yield* inEntries(nodeAt(resources, [kind]));
}

function* inEntries(node: SourceNode | undefined): Iterable<Found> {
  for (const entry of entriesOf(node)) yield* suspicious(entry);
}

function* suspicious({ key, value }: MapEntry): Iterable<Found> {
  const bounds = BOUNDS[key];
  const text = knownText(value);
  if (bounds === undefined || text === undefined) return;
  const what = key === 'sizeLimit' ? 'disk' : key;
  const problem = outOfBounds(text, bounds);
  if (problem !== undefined) {
    const [number = ''] = /^\d*/.exec(text) ?? [];
    const meant = key === 'cpu' && number !== text ? '' : `; did you mean "${number}${bounds.unit}"?`;
    yield { rule: 'resources/suspicious-quantity', at: value, message: `"${text}" of ${what} is ${problem}${meant}` };
  }
}

function outOfBounds(text: string, { least, most }: Bounds): string | undefined {
  const parsed = parseQuantity(text);
  if (!parsed.ok || compareQuantities(parsed.value, ZERO) <= 0) return undefined;
  if (least !== undefined && compareQuantities(parsed.value, least) < 0)
    return `${inBytes(text)}, with which nothing can run`;
  if (most !== undefined && compareQuantities(parsed.value, most) > 0)
    return 'more than any machine has, so the pod is never scheduled';
  return undefined;
}

function inBytes(text: string): string {
  const [, number = '', suffix = ''] = /^([\d.]+)(.*)$/.exec(text) ?? [];
  if (suffix === 'm') return `${Number(number) / 1000} bytes`;
  return suffix === '' ? `${number} bytes` : 'next to nothing';
}
