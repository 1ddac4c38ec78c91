import { commandContainerTexts, containerSpan, hasValue, scalarsOf } from '../command-containers.js';
import type { LintCommandStep } from '../document.js';
import { isServiceImage } from '../image-names.js';
import { entryAt, knownText, nodeAt } from '../nodes.js';
import type { Found } from '../rule.js';
import { type WrittenContainer, writtenContainers } from '../written-containers.js';

/** Probes that can end the build. */
export function* probesOnCommands(step: LintCommandStep): Iterable<Found> {
  for (const { node } of commandContainerTexts(step)) {
    for (const probe of ['livenessProbe', 'startupProbe', 'readinessProbe']) {
      const entry = entryAt(node, [probe]);
      if (entry === undefined || !hasValue(node, probe)) continue;
      const isHarmless = probe === 'readinessProbe';
      yield {
        rule: 'container/probe-on-command',
        at: entry.keySpan,
        message: isHarmless
          ? `"${probe}" has no use on a container that runs commands: nothing waits for it; probes are for "sidecars"`
          : `"${probe}" on a container that runs commands: when it fails, the build is killed and not started again; probes are for "sidecars"`,
        ...(isHarmless && { severity: 'info' as const }),
      };
    }
  }
}

const CONNECTS = /\blocalhost\b|\b127\.0\.0\.1\b/;
/** Words of commands that wait by themselves. */
const WAITS =
  /\b(?:wait[-_]?for\S*|wait4x|pg_isready|until|while|sleep|retry|retries|dockerize|health|ready|nc -z|mysqladmin ping|redis-cli ping)\b|--retry/i;

/** Services that nobody waits for. */
export function* readiness(step: LintCommandStep): Iterable<Found> {
  const all = writtenContainers(step);
  const services = all.filter(isSidecar).filter(({ node }) => isUnwatched(node));
  if (services.length === 0) return;
  const scripts = commandContainerTexts(step).flatMap(({ node }) =>
    ['command', 'args'].flatMap((key) => scalarsOf(nodeAt(node, [key])).map(({ text }) => text)),
  );
  const text = [step.step.command, ...scripts].join('\n');
  if (WAITS.test(text)) return;
  for (const { node } of services) {
    const image = knownText(nodeAt(node, ['image'])) ?? '';
    if (!isServiceImage(image) && !hasValue(node, 'ports') && !CONNECTS.test(text)) continue;
    yield {
      rule: 'sidecar/not-ready',
      at: containerSpan(node),
      message:
        'the commands start as soon as this sidecar runs, ready or not; add a "startupProbe", and they wait until it passes',
    };
  }
}

function isSidecar({ role, node, within }: WrittenContainer): boolean {
  if (role === 'sidecar') return true;
  return role === 'init' && within === 'podSpec' && knownText(nodeAt(node, ['restartPolicy'])) === 'Always';
}

function isUnwatched(node: WrittenContainer['node']): boolean {
  // Nobody waits for a readinessProbe in a pod that no service points to.
  return !['startupProbe', 'lifecycle'].some((key) => hasValue(node, key));
}
