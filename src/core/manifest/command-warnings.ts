import type { JobWarning } from '../job/job.js';
import { effectiveInterposer, type BuildContext } from './build-context.js';

/** Shapes of `command` and `args` that work otherwise here than in plain Kubernetes. */
export function commandWarnings(context: BuildContext): JobWarning[] {
  const warnings: JobWarning[] = [];
  for (const [index, container] of context.base.containers.entries()) {
    const name = container.name || `container-${index}`;
    const [command, args] = [container.command ?? [], container.args ?? []];
    const path = `podSpec.containers[${index}]`;
    if (command.length === 0 && args.length > 0) {
      warnings.push({
        code: 'args-without-command',
        text: `container "${name}" has args but no command: the args are added to the step's command, not to the image's entrypoint`,
        path: `${path}.args`,
      });
    }
    if (effectiveInterposer(context) === 'buildkite' && isShellIdiom(command)) {
      warnings.push({
        code: 'shell-idiom',
        text: `container "${name}" has the command ["${command.join('", "')}"]: the buildkite interposer makes a line of each element, which is rarely meant; put the script into command, or set commandParams.interposer to "vector"`,
        path: `${path}.command`,
      });
    }
    const comment = commentWord(context, command, args);
    if (comment !== undefined) {
      warnings.push({
        code: 'comment-argument',
        text: `container "${name}" has the argument "${comment}": an interposer leaves a "#" as it is, so the shell takes it and all behind it for a comment; put the whole line into command`,
        path,
      });
    }
  }
  return warnings;
}

/** The first quoted word which a shell would not see. */
function commentWord(context: BuildContext, command: readonly string[], args: readonly string[]): string | undefined {
  const interposer = effectiveInterposer(context);
  if (interposer === 'legacy') return undefined;
  const quoted = interposer === 'vector' ? [...command, ...args] : args;
  return quoted.find((word) => /^#\S*$/.test(word));
}

function isShellIdiom(command: readonly string[]): boolean {
  const [shell = '', flag = ''] = command;
  return /^(?:\/(?:usr\/)?bin\/)?(?:ba|da|a|z|k)?sh$/.test(shell) && /^-[a-z]*c$/.test(flag);
}
