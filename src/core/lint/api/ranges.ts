import { refused, type ApiPath, type ApiProblem, type Context } from './api-problem.js';
import { valuesAt } from './shape.js';

type Bounds = readonly [least: number, most: number];

const PORT: Bounds = [1, 65_535];
const ID: Bounds = [0, 2 ** 31 - 1];
const POSITIVE: Bounds = [1, Number.POSITIVE_INFINITY];
const NOT_NEGATIVE: Bounds = [0, Number.POSITIVE_INFINITY];
const WEIGHT: Bounds = [1, 100];
const BYTE: Bounds = [0, 255];
const FILE_MODE: Bounds = [0, 0o777];

/** What numbers the API server takes, by definition and field. */
const RANGES: Readonly<Record<string, Readonly<Record<string, Bounds>>>> = {
  AWSElasticBlockStoreVolumeSource: { partition: BYTE },
  ConfigMapVolumeSource: { defaultMode: FILE_MODE },
  ContainerPort: { containerPort: PORT, hostPort: [0, 65_535] },
  DownwardAPIVolumeFile: { mode: FILE_MODE },
  DownwardAPIVolumeSource: { defaultMode: FILE_MODE },
  FCVolumeSource: { lun: BYTE },
  GCEPersistentDiskVolumeSource: { partition: BYTE },
  GRPCAction: { port: PORT },
  HTTPGetAction: { port: PORT },
  ISCSIVolumeSource: { lun: BYTE },
  KeyToPath: { mode: FILE_MODE },
  PodSecurityContext: { runAsUser: ID, runAsGroup: ID, fsGroup: ID, supplementalGroups: ID },
  PodSpec: { activeDeadlineSeconds: [1, 2 ** 31 - 1] },
  PreferredSchedulingTerm: { weight: WEIGHT },
  Probe: {
    initialDelaySeconds: NOT_NEGATIVE,
    timeoutSeconds: NOT_NEGATIVE,
    periodSeconds: NOT_NEGATIVE,
    successThreshold: NOT_NEGATIVE,
    failureThreshold: NOT_NEGATIVE,
    terminationGracePeriodSeconds: POSITIVE,
  },
  ProjectedVolumeSource: { defaultMode: FILE_MODE },
  SecretVolumeSource: { defaultMode: FILE_MODE },
  SecurityContext: { runAsUser: ID, runAsGroup: ID },
  ServiceAccountTokenProjection: { expirationSeconds: [600, 2 ** 32] },
  TCPSocketAction: { port: PORT },
  TopologySpreadConstraint: { maxSkew: POSITIVE, minDomains: POSITIVE },
  WeightedPodAffinityTerm: { weight: WEIGHT },
};

/** Numbers out of their range. */
export function* outOfRange(
  definition: string,
  value: Readonly<Record<string, unknown>>,
  path: ApiPath,
  { isUnknown }: Context,
): Iterable<ApiProblem> {
  for (const [field, bounds] of Object.entries(RANGES[definition] ?? {})) {
    for (const [place, number] of valuesAt(value[field], [...path, field])) {
      if (typeof number !== 'number' || isUnknown(number)) continue;
      if (number < bounds[0] || number > bounds[1]) yield badNumber(place, number, bounds);
    }
  }
}

/** For numbers outside the pod. */
export function badNumber(path: ApiPath, number: number, bounds: Bounds): ApiProblem {
  const said = { rule: 'buildable', path, what: `"${nameAt(path)}" cannot be ${number}` };
  const octal = bounds === FILE_MODE ? asOctal(number) : undefined;
  if (octal === undefined) return refused({ ...said, remedy: `write a number ${range(bounds)}` });
  return refused({
    ...said,
    what: `file mode ${number} is a decimal number here, more than 511 (octal 0777)`,
    remedy: `write ${octal}, which is octal 0${number}`,
    replacement: String(octal),
  });
}

/** 644 was meant as the permissions `rw-r--r--`, that is 420. */
function asOctal(number: number): number | undefined {
  const text = String(number);
  const value = /^[0-7]{3}$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
  return value <= 0o777 ? value : undefined;
}

function range([least, most]: Bounds): string {
  return Number.isFinite(most) ? `from ${least} to ${most}` : `of at least ${least}`;
}

function nameAt(path: ApiPath): string {
  return String(path.findLast((part) => typeof part === 'string'));
}
