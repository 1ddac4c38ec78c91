import { hasValue, stepSpan } from '../command-containers.js';
import type { LintCommandStep } from '../document.js';
import type { LintJob } from '../lint-job.js';
import { entryAt } from '../nodes.js';
import type { Found, StepContext } from '../rule.js';

/** Git credentials in every container. */
export function* gitKeys(step: LintCommandStep): Iterable<Found> {
  for (const { config } of step.kubernetes) {
    const entry = entryAt(config, ['gitEnvFrom']);
    if (entry === undefined || !hasValue(config, 'gitEnvFrom')) continue;
    yield {
      rule: 'security/git-key-everywhere',
      at: entry.keySpan,
      message:
        '"gitEnvFrom" gives the git credentials to the command containers and sidecars, too; "checkout.envFrom" limits them to the checkout',
    };
  }
}

/** Tokens of the default service account. */
export function* serviceAccountTokens(job: LintJob, { isOn }: StepContext): Iterable<Found> {
  if (job.baseUnknown || !isOn('security/service-account-token')) return;
  const { pod, step } = job;
  if (pod === undefined || pod.automountServiceAccountToken === false) return;
  if ((pod.serviceAccountName ?? 'default') !== 'default') return;
  yield {
    rule: 'security/service-account-token',
    at: stepSpan(step),
    message:
      'the token of the default service account is mounted into the build; set "automountServiceAccountToken: false" in the pod',
  };
}
