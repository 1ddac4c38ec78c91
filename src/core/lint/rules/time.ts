import { isReservedContainerName } from '../../job/identity.js';
import type { MapEntry, SourceNode } from '../../pipeline/source-tree.js';
import { entryAt, knownText, nodeAt } from '../nodes.js';
import type { LintCommandStep } from '../document.js';
import type { LintJob } from '../lint-job.js';
import type { Found, RuleSet } from '../rule.js';
import { type WrittenContainer, writtenContainers } from '../written-containers.js';

/** Deadlines, grace periods and restarts; `pod/restart-policy` is described where the built pod is judged. */
export const timeRules: RuleSet = {
  rules: [
    {
      id: 'time/deadlines-disagree',
      severity: 'warning',
      summary: 'Kubernetes ends the Job before the timeout of the step is over.',
      why: 'A Job has a deadline of its own, 6 hours unless the controller or the plugin says otherwise. When it is over the pod is killed without a word to the agent, and the build shows "Exited with status -1 (agent lost)".',
      remedy: 'Set "jobActiveDeadlineSeconds" in the plugin to the timeout and some minutes more.',
    },
    {
      id: 'time/grace-period',
      severity: 'warning',
      summary: 'The grace period leaves the agent no time to finish.',
      why: 'The agent keeps 10 seconds of it to upload logs and artifacts; what remains is for the command. With 10 or less the command is killed at once, and logs and artifacts may be lost. When it is set by a patch, the Go controller goes on telling the agent the value before it.',
      remedy: 'Give "terminationGracePeriodSeconds" well over 10 seconds, in the podSpec.',
    },
  ],
  checks: [
    { scope: 'job', check: deadlines },
    { scope: 'step', check: ignoredDeadlines },
    { scope: 'step', check: podDeadlines },
    { scope: 'step', check: gracePeriods },
    { scope: 'step', check: restartPolicies },
  ],
};

const DEADLINE = 'jobActiveDeadlineSeconds';
const MARGIN_SECONDS = 300;

function* deadlines(job: LintJob): Iterable<Found> {
  const { step, issues } = job;
  const own = deadlineEntry(step);
  const isOpen = own !== undefined && wholeNumber(own.value) === undefined;
  // A step without the plugin may be for any agent.
  if (step.kubernetes.length === 0 || isOpen || isBroken(issues)) return;
  const deadline = job.manifest?.spec?.activeDeadlineSeconds;
  if (deadline !== undefined) yield* timeoutBeyond(step, deadline, own);
}

function deadlineEntry({ kubernetes }: LintCommandStep): MapEntry | undefined {
  return entryAt(kubernetes.at(-1)?.config, [DEADLINE]);
}

function isBroken(issues: LintJob['issues']): boolean {
  return issues.some(({ path }) => path[0] === DEADLINE);
}

function* timeoutBeyond(step: LintCommandStep, deadline: number, own: MapEntry | undefined): Iterable<Found> {
  const timeout = entryAt(step.step.source, ['timeout_in_minutes']);
  const minutes = wholeNumber(timeout?.value);
  if (timeout === undefined || minutes === undefined || minutes * 60 <= deadline) return;
  yield disagreement(timeout, { minutes, deadline, own });
}

function* ignoredDeadlines(step: LintCommandStep): Iterable<Found> {
  const own = deadlineEntry(step);
  const seconds = wholeNumber(own?.value);
  if (own === undefined || seconds === undefined || seconds > 0) return;
  yield {
    rule: 'time/deadlines-disagree',
    at: own.value,
    message: `a deadline of ${seconds} is ignored and the configured one applies (6 hours by default); write the seconds that the job may take`,
  };
}

interface Times {
  readonly minutes: number;
  readonly deadline: number;
  readonly own: MapEntry | undefined;
}

function disagreement(timeout: MapEntry, { minutes, deadline, own }: Times): Found {
  return {
    rule: 'time/deadlines-disagree',
    at: timeout.value,
    message: `the step may run ${duration(minutes * 60)}, but Kubernetes ends the Job after ${duration(deadline)}${own === undefined ? ' unless the controller is configured otherwise' : ''}, and the build shows "agent lost"; set "jobActiveDeadlineSeconds: ${minutes * 60 + MARGIN_SECONDS}"`,
    related: own === undefined ? [] : [{ at: own.value, message: 'the deadline' }],
  };
}

function duration(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600} h`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}

function wholeNumber(node: SourceNode | undefined): number | undefined {
  const text = knownText(node);
  return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
}

const POD_PARTS = ['podSpec', 'podSpecPatch'] as const;

function* podDeadlines(step: LintCommandStep): Iterable<Found> {
  for (const { part, entry } of podEntries(step, 'activeDeadlineSeconds')) {
    yield {
      rule: 'time/deadlines-disagree',
      at: entry.keySpan,
      severity: 'info',
      message: `"${part}.activeDeadlineSeconds" ends only the pod, and Buildkite hears of a lost agent; use "timeout_in_minutes" of the step, or "jobActiveDeadlineSeconds" of the plugin`,
    };
  }
}

/** Entries of a pod-level key, wherever the step writes it. */
function podEntries(step: LintCommandStep, key: string) {
  return step.kubernetes.flatMap(({ config }) =>
    POD_PARTS.flatMap((part) => {
      const entry = entryAt(config, [part, key]);
      return entry === undefined ? [] : [{ part, entry }];
    }),
  );
}

const AGENT_SECONDS = 10;
/** What the agent is told when no podSpec says otherwise. */
const DEFAULT_GRACE_SECONDS = 60;

function* gracePeriods(step: LintCommandStep): Iterable<Found> {
  for (const { part, entry } of podEntries(step, 'terminationGracePeriodSeconds')) {
    const seconds = wholeNumber(entry.value);
    if (seconds === undefined) continue;
    const at = entry.value;
    if (seconds <= AGENT_SECONDS) {
      yield {
        rule: 'time/grace-period',
        at,
        message: `${seconds} s of grace leave the command no time to end and the agent none to upload logs and artifacts, which takes the last ${AGENT_SECONDS} s; give more`,
      };
    } else if (part === 'podSpecPatch' && seconds !== DEFAULT_GRACE_SECONDS) {
      yield {
        rule: 'time/grace-period',
        at,
        severity: 'info',
        message: `in a patch this comes after the Go controller has told the agent its grace period, which stays ${DEFAULT_GRACE_SECONDS} s; set it in "podSpec"`,
      };
    }
  }
}

function* restartPolicies(step: LintCommandStep): Iterable<Found> {
  for (const { part, entry } of podEntries(step, 'restartPolicy')) {
    const policy = knownText(entry.value);
    if (policy === undefined || policy === 'Never' || policy === '') continue;
    const effect =
      part === 'podSpec'
        ? 'it is overwritten'
        : 'the Go controller takes it over and the pod breaks, this one ignores it';
    yield {
      rule: 'pod/restart-policy',
      at: entry.value,
      message: `restart policy "${policy}": a Buildkite job's pod always has "Never", and in ${part} ${effect}; use "retry" of the step`,
    };
  }
  for (const container of writtenContainers(step)) yield* containerPolicy(container);
}

function* containerPolicy(container: WrittenContainer): Iterable<Found> {
  const value = nodeAt(container.node, ['restartPolicy']);
  const policy = knownText(value) ?? '';
  if (value === undefined || policy === 'Never' || policy === '') return;
  if (policy === 'Always' && mayRestart(container)) return;
  const isSidecar = container.role === 'sidecar';
  yield {
    rule: 'pod/restart-policy',
    at: value,
    message: isSidecar
      ? `restart policy "${policy}" of a sidecar is overwritten with "Always"; remove it`
      : `restart policy "${policy}" is not for ${WHAT[container.role]}; Kubernetes refuses the Job; remove it`,
    ...(isSidecar && { severity: 'warning' as const }),
  };
}

const WHAT = {
  init: 'an init container, where only "Always" has a meaning',
  command: 'a container that runs commands',
  sidecar: 'a sidecar',
} as const;

function mayRestart({ role, name }: WrittenContainer): boolean {
  return role !== 'command' && !isReservedContainerName(name);
}
