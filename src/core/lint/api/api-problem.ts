import type { V1PodSpec } from '@kubernetes/client-node';

/** A place in the pod spec; places outside it begin with `metadata` (of the Job) or `spec` (of the Job). */
export type ApiPath = readonly (string | number)[];

/** What comes of it: the API server refuses the Job; it takes the Job but the pod cannot start; all works, not as it looks. */
export type Verdict = 'refused' | 'stuck' | 'accepted';

/** One thing in a Job that a Kubernetes API server (or the kubelet after it) does not take. */
export interface ApiProblem {
  /** Id of the rule of lint it belongs to. */
  readonly rule: string;
  readonly verdict: Verdict;
  /** The culprit, e.g. `['containers', 1, 'volumeMounts', 0, 'name']`. */
  readonly path: ApiPath;
  /** The other one, where two do not go together: the first of two equal names. */
  readonly relatedPath: ApiPath | undefined;
  /** One sentence: culprit, what was expected, consequence; remedy. */
  readonly message: string;
  /** What to write instead, where only one thing can be meant. */
  readonly replacement: string | undefined;
}

/** What the checks know besides the object in front of them. */
export interface Context {
  readonly pod: V1PodSpec;
  /** Second number of the Kubernetes version; infinity when it is not known. */
  readonly minor: number;
  /** Whether a text or number contains a value nobody knows yet. */
  readonly isUnknown: (value: string | number) => boolean;
}

/** Looks at one object of the pod and yields what is wrong with it. */
export type Check<T> = (value: T, path: ApiPath, context: Context) => Iterable<ApiProblem>;

export interface Said {
  readonly rule: string;
  readonly path: ApiPath;
  /** The culprit and what was expected. */
  readonly what: string;
  readonly remedy: string;
  readonly relatedPath?: ApiPath | undefined;
  readonly replacement?: string | undefined;
}

/** The API server answers 422 and the job fails at once. */
export function refused(said: Said): ApiProblem {
  return problem(said, 'refused', 'Kubernetes refuses the Job');
}

/** The API server takes it, the kubelet does not. @param consequence what happens to the pod */
export function stuck(said: Said, consequence = 'the pod waits until the pending timeout'): ApiProblem {
  return problem(said, 'stuck', consequence);
}

/** Works, but otherwise than it looks. */
export function accepted(said: Said, consequence: string): ApiProblem {
  return problem(said, 'accepted', consequence);
}

function problem(said: Said, verdict: Verdict, consequence: string): ApiProblem {
  const { rule, path, what, remedy, relatedPath, replacement } = said;
  return { rule, verdict, path, relatedPath, replacement, message: `${what}: ${consequence}; ${remedy}` };
}

/** `"a", "b" or "c"` */
export function oneOf(words: readonly string[]): string {
  const quoted = words.map((word) => `"${word}"`);
  return quoted.length < 2 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1) ?? ''}`;
}
